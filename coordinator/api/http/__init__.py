"""HTTP/JSON for callers: the same questions and answers as over gRPC, and nothing else decided.

    server.py          sockets, TLS 1.3, bounds on connections, the end
    authentication.py  who calls, by a certificate or a token; pure
    gate.py            lets callers in, and counts those that are refused
    routes.py          one route: who calls -> answer, or an error in the route's own form
    problems.py        errors as problem details (RFC 9457); pure
    json_messages.py   JSON text to messages of the agreement, and back; pure
    corroborations.py  the routes of `mpic.v1`

Another API over HTTP (as `coordinator/api/open_mpic`) is a list of `HttpRoute`s of its own. A
handler gets a `Visit`: the aiohttp request and the `Call` for `Corroborator.corroborate`. It raises
RequestError or HttpError. The route's `tell` turns that into a response, so each API has its own
form of errors. Authentication, bounds, deadlines and metrics are the same for all.
"""
