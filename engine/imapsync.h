/*
 * mailmover imapsync-args: a command line of imapsync, told in ours. Every option that its manual lists is a row of
 * one table: what it becomes, that it is not needed, or that there is no counterpart and what to do instead.
 */
#ifndef IMAPSYNC_H
#define IMAPSYNC_H

/* argv: imapsync's options, without its name. Prints the command on standard output, remarks as "# …" lines before it.
 * Secrets are overwritten in argv and never printed. Returns the exit status: 0 all of it is said, 1 something has no
 * counterpart, 2 an option that imapsync does not have, or no host or user. */
int imapsync_args(int argc, char **argv);

#endif
