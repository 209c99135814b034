# tests/unit/module: sources, one a line
