"""The agreement between the coordinator, the perspective agents and their callers.

Whoever imports a module of ours runs this first. So this is where gRPC is kept from TLS 1.2.
"""

import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

__version__ = "unknown"
"""Of what is installed. The stubs alone may be used from a checkout."""
with suppress(PackageNotFoundError):
    __version__ = version("mpic")

# grpcio has no setting for the lowest TLS version. But it takes a cipher list for TLS 1.2 from the
# environment. The list here holds only a pre-shared-key suite, and no such key is ever configured.
# So TLS 1.2 has no usable cipher, on servers and clients of this process alike. The list does not
# apply to TLS 1.3 suites. It is read once, when grpcio is loaded: later is too late.
_VARIABLE, _NO_CIPHER = "GRPC_SSL_CIPHER_SUITES", "ECDHE-PSK-AES128-CBC-SHA"

TLS_1_3_ONLY = "grpc._cython.cygrpc" not in sys.modules or os.environ.get(_VARIABLE) == _NO_CIPHER
"""Whether it was set in time. If not, `mpic.runtime.grpc.tls` makes no credentials."""

os.environ[_VARIABLE] = _NO_CIPHER
