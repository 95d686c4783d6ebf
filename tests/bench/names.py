"""The names that benchmarks ask for: each new, so that nothing about it is in a cache."""

from itertools import count

from tests.world.network import WEB
from tests.world.zones import ISSUER, UPKI, Zone

PARENT = UPKI.name
CHILD = f"child.{PARENT}"


class ColdHosts:
    """So many hosts in a signed zone, each with an A record; CAA is at the zone's apex.

    Every host costs its resolver two answers with a signature of their own: A, and that there is
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


class LocalHosts:
    """Hosts of which resolvers with local data know (`Plan.local_data`)."""

    def __init__(self) -> None:
        self._numbers = count()

    def next(self) -> str:
        return f"host{next(self._numbers)}.{CHILD}"

    def next_with(self, labels: int) -> str:
        """Return a name of 2 to 10 labels that shares none of its parents but "jp" with another.

        It exists nowhere, which is an answer too, so no CAA set ends the walk before "jp".
        """
        return ".".join([f"h{next(self._numbers)}"] * (labels - 1)) + ".jp"
