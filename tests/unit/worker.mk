# tests/unit/worker: sources, one a line
