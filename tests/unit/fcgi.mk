# tests/unit/fcgi: sources, one a line
