"""Whether a program can listen at its address, or does so already."""

import errno
import socket
from collections.abc import Sequence
from typing import Literal

from mpic.channel import TlsFiles
from mpic.runtime.address import reachable
from mpic.runtime.doctor import DoctorFinding
from mpic.runtime.doctor.handshake import Presented, StrangerError, shake_hands

_HANDSHAKE_SECONDS = 5.0

Port = Literal["free", "taken", "absent", "forbidden"]
"""taken: something listens there; absent: the host has no such address."""


def examine_ports(
    addresses: Sequence[str], tls: TlsFiles, own: Sequence[str]
) -> list[DoctorFinding]:
    """Look at each address a program listens on; `own` are the names in its certificate."""
    return [_examine_port(address, tls, own) for address in addresses]


def _examine_port(address: str, tls: TlsFiles, own: Sequence[str]) -> DoctorFinding:
    port = try_port(address)
    if port != "taken":
        return judge_port(address, port)
    try:
        there = shake_hands(reachable(address), tls, _HANDSHAKE_SECONDS)
    except (OSError, StrangerError) as error:
        return judge_stranger(address, str(error))
    return judge_holder(address, there, own)


def try_port(address: str) -> Port:
    """Bind a TCP port for a moment; raises OSError for what no configuration can mend."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((host.strip("[]"), int(port)))
        except socket.gaierror:
            return "absent"
        except OSError as error:
            kinds: dict[int | None, Port] = {
                errno.EADDRINUSE: "taken",
                errno.EADDRNOTAVAIL: "absent",
                errno.EACCES: "forbidden",
            }
            if error.errno not in kinds:
                raise
            return kinds[error.errno]
    return "free"


def judge_port(address: str, port: Port) -> DoctorFinding:
    """Say whether a free port can be used. Pure."""
    facts = {"listen": address}
    if port == "absent":
        what, mend = f"this host has no address {address}", "Correct listen, or add the address"
        return DoctorFinding("error", what, mend, facts)
    if port == "forbidden":
        what = f"this user may not listen on {address}"
        return DoctorFinding(
            "error", what, "Take a port from 1024 on, or run as another user", facts
        )
    return DoctorFinding("ok", f"{address} is free: the program is not running", facts=facts)


def judge_holder(address: str, there: Presented, own: Sequence[str]) -> DoctorFinding:
    """Say whether the listener there is the program itself. Pure."""
    facts = {"listen": address, "names": there.names, "until": there.ends_at.isoformat()}
    if there.accepts_tls_1_2:
        what = f"who listens on {address} accepts TLS 1.2; only TLS 1.3 may be spoken"
        return DoctorFinding("error", what, "Start the program anew, from this release", facts)
    if set(there.names) & set(own):
        return DoctorFinding("ok", f"the program listens on {address}", facts=facts)
    what = f"{there.names[0] if there.names else 'a peer without a name'} listens on {address}"
    return DoctorFinding(
        "error", what, "Stop it, or give this program another port in listen", facts
    )


def judge_stranger(address: str, problem: str) -> DoctorFinding:
    """Say that something else listens there. Pure."""
    what = f"another program listens on {address}: {problem}"
    mend = "Find it with `ss -ltnp`, and stop it or give this program another port in listen"
    return DoctorFinding("error", what, mend, {"listen": address})
