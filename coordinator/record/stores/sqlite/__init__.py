"""Records in one SQLite file: no server, no set-up."""
