# engine: sources, one a line
