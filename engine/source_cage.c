#include "source_cage.h"

#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "landlock.h"

#include "banned.h"

/* Character sets and time zones of the C library are files. */
static const char *const system_readable[] = {"/usr/lib", "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache",
	"/usr/share/locale", "/dev/urandom", "/proc/self/maps", "/proc/self/cmdline"};

static const struct err *lock_files(const char *path, bool *landlock)
{
	const uint64_t readable = LANDLOCK_READ_FILE | LANDLOCK_READ_DIR;
	const struct err *e;
	int fd;

	e = landlock_make(&fd, false);
	*landlock = fd >= 0;
	if (fd < 0)
		return e;
	e = landlock_allow(fd, path, readable);
	for (size_t i = 0; i < sizeof(system_readable) / sizeof(system_readable[0]) && e == NULL; i++)
		e = landlock_allow(fd, system_readable[i], readable);
	if (e == NULL && !landlock_enter(fd))
		e = err_errno("Landlock: confining the reader to %s", path);
	close(fd);
	return e;
}

/* What reading, computing and forking a helper need; everything else is refused with EPERM. */
static const int allowed[] = {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv), SCMP_SYS(write),
	SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(chdir), SCMP_SYS(fcntl),
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(stat), SCMP_SYS(fstat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(fadvise64), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(mincore), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(getrandom), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64),
	SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork),
	SCMP_SYS(vfork), SCMP_SYS(wait4), SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(pipe), SCMP_SYS(pipe2),
	SCMP_SYS(setitimer), SCMP_SYS(alarm), SCMP_SYS(prctl), SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
	SCMP_SYS(getcwd), SCMP_SYS(recvfrom), SCMP_SYS(sendto)};

static const struct err *lock_calls(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0) == -EINVAL)
			rc = -EINVAL; /* others: not a call of this architecture */
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -rc;
	return rc == 0 ? NULL : err_errno("seccomp");
}

const struct err *source_cage(const char *path, bool *landlock)
{
	const struct err *e;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_errno("no_new_privs");
	e = lock_files(path, landlock);
	return e != NULL ? e : lock_calls();
}
