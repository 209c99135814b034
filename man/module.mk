# man: sources, one a line
