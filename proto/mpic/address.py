"""Network addresses as operators write them: "host:port". Pure."""


def shift_port(address: str, worker: int) -> str:
    """Return where worker number `worker` listens: so many ports further than worker 0."""
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + worker}"
