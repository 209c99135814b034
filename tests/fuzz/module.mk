# tests/fuzz/module: sources, one a line
