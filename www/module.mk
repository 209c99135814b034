# www: sources, one a line
