# tests/unit/engine: sources, one a line
