# scripts: sources, one a line
