"""The names that benchmarks ask for."""

from itertools import count

from tests.world.network import WEB
from tests.world.zones import ISSUER, UPKI, Zone

PARENT = UPKI.name
CHILD = f"child.{PARENT}"

# As many answers as Unbound's cache surely holds, and more names than are in flight at a time.
WARM = 2000


class NewHosts:
    """Hosts that do not exist, each new."""

    def __init__(self) -> None:
        self._numbers = count()

    def next(self) -> str:
        return f"host{next(self._numbers)}.{CHILD}"


class Hosts:
    """So many hosts in a signed zone, each with an A record; CAA is at the zone's apex.

    A cold host costs its resolver two answers with a signature of their own: A, and that there is
    no CAA.
    """

    def __init__(self, hosts: int) -> None:
        self.hosts = hosts
        self._numbers = count()

    def zone(self) -> Zone:
        records = [f'@ IN CAA 0 issue "{ISSUER}"\n']
        records.extend(f"host{number}.child IN A {WEB}\n" for number in range(self.hosts))
        return Zone(UPKI.name, UPKI.text + "".join(records), UPKI.signing)

    def next(self) -> str:
        """Return the next host; after the last comes the first, which is cold no more."""
        return f"host{next(self._numbers) % self.hosts}.{CHILD}"


class Strangers:
    """So many names of 2 to 10 labels that share no parent but "jp".

    They exist nowhere, which is an answer too, so no CAA set ends the walk before "jp".
    """

    def __init__(self, labels: int, names: int = WARM // 2) -> None:
        self.names = names
        self._labels = labels
        self._numbers = count()

    def next(self) -> str:
        number = next(self._numbers) % self.names
        return ".".join([f"h{self._labels}-{number}"] * (self._labels - 1)) + ".jp"
