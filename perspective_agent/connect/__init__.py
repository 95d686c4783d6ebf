"""From the name of a host to an open connection, for all who look at more than DNS.

    candidates   pure: which addresses of the two lookups are dialled
    errors       pure: what an error of the system says, and whose failure it is
    places       how many connections are open at a time: in all, to a host, to an address
    hello_retry  pure: whether a TLS server demands what takes this agent too long
    dialer       does it: looks up, waits for a place, dials, hands the open socket over

The address that is dialled is the very one that was checked: a record's octets, which `candidates`
let pass. Nothing is looked up a second time, and no other module opens a connection to a stranger.
"""
