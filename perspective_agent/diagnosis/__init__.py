"""After a failed lookup: asking the servers of a name directly, to show whose failure it is."""
