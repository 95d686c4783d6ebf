"""After a failed lookup, asks the servers of a name directly, to show whose failure it is."""
