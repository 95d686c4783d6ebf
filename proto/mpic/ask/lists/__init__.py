"""A file of names or applications, each line of which is one certificate. See deploy/lists.md."""
