# tests/browser/module: sources, one a line
