"""`mpic ask`, `mpic explain` and `mpic perspectives`: what a caller types and reads."""

import os

# gRPC would write lines of its own about a failed handshake before our sentence. It reads this
# once, when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
