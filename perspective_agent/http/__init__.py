"""One HTTP GET with its redirects: the second of three ways of looking (RFC 9110, RFC 9112).

    target     pure: what a check gets
    redirects  pure: what follows from a response
    stream     the octets of a connection, plain or within TLS
    reply      reads one response from them, by aiohttp's parser
    exchange   one request and its response, over one connection
    get        the hops of a GET, one after the other

Which URLs are asked for, and where a redirect leads, says `mpic.urls`: all is judged before
anything is looked up or dialled.

Whatever a server sends, or does not send, ends in a response or in a named failure.
"""
