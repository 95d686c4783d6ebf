"""An Internet for tests and the demo: signed zones, real name servers, hijacks and broken servers.

Everything lives in one private network namespace whose only interface is `lo`:

    198.51.100.4     root                       BIND
    192.0.2.53       jp, co.jp, test            BIND
    203.0.113.53     parent.example.co.jp, ...  BIND
    203.0.113.66     the liar                   BIND, reached by whom `network.divert` says
    203.0.113.67     hostile.example.co.jp      our own misbehaving server
    198.18.<n>.10    perspective n (0: primary); its Unbound sends from there

`internet.Internet` puts it together; zones are data in `zones`, broken servers in `misbehaving`.
"""

import mpic  # noqa: F401 - before anything loads gRPC
