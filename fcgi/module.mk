# fcgi: sources, one a line
