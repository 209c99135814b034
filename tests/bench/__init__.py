"""The benchmark of mailmover: its corpora, servers and peers. `make bench`, or tests/bench/run --help."""
