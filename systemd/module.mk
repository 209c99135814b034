# systemd: sources, one a line
