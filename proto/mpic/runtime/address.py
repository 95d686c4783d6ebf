"""Network addresses as operators write them: "host:port". Pure."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nothing is bound here


def shift_port(address: str, worker: int) -> str:
    """Return where worker number `worker` listens: so many ports further than worker 0."""
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + worker}"


def reachable(address: str) -> str:
    """Return where this host reaches a server that listens on `address`."""
    host, _, port = address.rpartition(":")
    return f"{_EVERYWHERE.get(host, host)}:{port}"
