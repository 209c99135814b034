# ctl: migrationctl
bin_PROGRAMS += migrationctl
migrationctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/ctl $(SODIUM_CFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS)
migrationctl_LDADD = $(MIGRATION_LIBS)
migrationctl_SOURCES = \
	ctl/args.c \
	ctl/cmd_audit.c \
	ctl/cmd_certificate.c \
	ctl/cmd_doctor.c \
	ctl/cmd_job.c \
	ctl/cmd_key.c \
	ctl/cmd_token.c \
	ctl/cmd_user.c \
	ctl/cmd_verify.c \
	ctl/cmd_worker.c \
	ctl/ctl.h \
	ctl/doctor.h \
	ctl/doctor_data.c \
	ctl/doctor_keys.c \
	ctl/doctor_paths.c \
	ctl/doctor_tools.c \
	ctl/keyfile.c \
	ctl/main.c
