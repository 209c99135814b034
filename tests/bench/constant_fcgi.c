/* What libfcgi can do at best behind nginx: a pool that answers every request with the same bytes. */
#include <fcgiapp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 4;
	FCGX_Request r;

	if (FCGX_Init() != 0)
		return 1;
	for (long i = 1; i < n; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	if (FCGX_InitRequest(&r, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&r) == 0) {
		FCGX_PutS("Content-Type: "
			  "application/json\r\n\r\n{\"domain\":\"a.example\",\"verdict\":\"blocked\"}\n",
			r.out);
		FCGX_Finish_r(&r);
	}
	return 0;
}
