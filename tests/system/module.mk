# tests/system/module: sources, one a line
