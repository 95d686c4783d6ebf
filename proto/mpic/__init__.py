"""The agreement between the coordinator, the perspective agents and their callers.

Whoever imports a module of ours runs this first. So this is where gRPC is kept from TLS 1.2.
"""

import os
import sys
from importlib.metadata import version

__version__ = version("mpic")

# grpcio has no setting for the lowest TLS version, but takes a cipher list for TLS 1.2 from the
# environment. A list of nothing but a pre-shared-key suite, for which no key is ever configured,
# leaves TLS 1.2 without a usable cipher, on servers and clients of this process alike; TLS 1.3
# suites are not governed by it. It is read once, when grpcio is loaded: later is too late.
_VARIABLE, _NO_CIPHER = "GRPC_SSL_CIPHER_SUITES", "ECDHE-PSK-AES128-CBC-SHA"

TLS_1_3_ONLY = "grpc._cython.cygrpc" not in sys.modules or os.environ.get(_VARIABLE) == _NO_CIPHER
"""Whether it was set in time. `mpic.runtime.grpc.tls` makes no credentials otherwise."""

os.environ[_VARIABLE] = _NO_CIPHER
