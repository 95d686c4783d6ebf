"""Records in PostgreSQL: for several coordinators on several hosts."""
