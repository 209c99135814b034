/* mailmover-source KIND PATH: shows a file as an account. Started by mailmover (feed.c), never by hand. */
#include <stdio.h>

#include "log.h"
#include "source_child.h"

#include "banned.h"

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: mailmover-source KIND PATH (mailmover starts it, with a socket as standard input)\n", stderr);
		return 2;
	}
	log_open("mailmover", LOG_WARN_);
	return source_child(argv[1], argv[2]);
}
