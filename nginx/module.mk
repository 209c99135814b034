# nginx: sources, one a line
