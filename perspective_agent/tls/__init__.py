"""One TLS handshake: the third of three ways of looking (RFC 8446, RFC 5246).

    client      the handshake over one connection that is open already
    handshake   the whole look: a host, its connection, what the server presented

A certificate is evidence here and proves nothing: it is told, and never verified. No application
data is sent or read.
"""
