"""The check `caa_walk`: CAA permission (RFC 8659, RFC 8657, BR 4.2.2.1). Pure."""
