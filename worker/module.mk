# worker: sources, one a line
