# tests/unit/verify: sources, one a line
