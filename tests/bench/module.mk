# tests/bench/module: sources, one a line
