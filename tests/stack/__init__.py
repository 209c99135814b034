"""Starts the whole system in a private directory, on loopback, and leaves nothing behind.

Only Debian's packages are used (python3 3.11, dovecot-imapd, nginx, openssl). A program may be run as
root (then every part gets its own user, as on a real machine) or as an ordinary user.
"""
