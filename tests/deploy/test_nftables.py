"""The rules for a host's firewall do what they say."""

import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world import network

RULES = Path(__file__).parents[2] / "deploy/nftables.conf"
MOST_OF_ONE = 64
SECONDS = 40


def test_one_address_holds_no_more_connections_than_the_shipped_rules_say() -> None:
    """Those of others are accepted meanwhile, and its own again once it has closed some."""
    network.bring_up(())
    subprocess.run(["nft", "--file", str(RULES)], check=True)
    try:
        with socket.create_server(("127.0.0.1", 7300), backlog=200) as server, ExitStack() as held:
            first = [hold(server, held) for _ in range(MOST_OF_ONE)]
            with pytest.raises(OSError, match="refused"):
                hold(server, held)
            hold(server, held, "127.0.0.2")
            for near, far in first:
                near.close()
                far.close()
            hold(server, held)
    finally:
        subprocess.run(["nft", "delete table inet mpic"], check=True)


def hold(
    server: socket.socket, held: ExitStack, source: str = "127.0.0.1"
) -> tuple[socket.socket, socket.socket]:
    """Connect from an address; return both ends."""
    near = held.enter_context(socket.socket())
    near.settimeout(SECONDS)
    near.bind((source, 0))
    near.connect(server.getsockname())
    return near, held.enter_context(server.accept()[0])
