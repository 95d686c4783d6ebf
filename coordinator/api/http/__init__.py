"""HTTP/JSON for callers: the same questions and answers as over gRPC, and nothing else decided.

A request goes through these, in this order; what is marked * is pure:

    server.py, connection.py   sockets, TLS 1.3, bounds on connections, what is no HTTP
    routes.py                  one route: who calls -> answer, or an error in the route's own form
    gate.py                    lets callers in, and counts those that are refused
    authentication.py *        who calls, by a certificate, a token (tokens.py *) or both
    calls.py *                 deadline, trace and request id from headers
    corroborations.py          the routes of `mpic.v1`
    bodies.py                  the body of a request, up to its bound
    json_messages.py *         JSON to messages (json_check.py *), and back (json_writing.py *)
    line_streams.py            many questions in one body, as lines (ndjson.py *)
    problems.py *              errors as problem details (RFC 9457)
    openapi.py *               the description of all this, from the agreement and its comments

`face.py` puts them together as the configuration says (settings.py), and changes them by a reload.

Another API over HTTP (as `coordinator/api/open_mpic`) is a list of `HttpRoute`s of its own. A
handler gets a `Visit`: the aiohttp request and the `Call` for `Corroborator.corroborate`. It raises
RequestError or HttpError. The route's `tell` turns that into a response, so each API has its own
form of errors. Authentication, bounds, deadlines and metrics are the same for all.
"""
