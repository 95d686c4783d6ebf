"""Remembers which numbers were seen, in little memory. Pure.

A Bloom filter of two bits to a number. It takes 2 MiB, however many numbers are added. If a number
was added, it always says so. If a number was not added, it may wrongly say that it was, more often
the more numbers there are. Whoever gets a yes then looks the number up in the store.
"""

_BITS = 2**24
_MASK = _BITS - 1


class BloomFilter:
    """A set of 64-bit digests. It can be asked for one, but not listed."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._bits = bytearray(_BITS // 8)
        self._count = 0

    def __len__(self) -> int:
        """Return how many were added; one added twice counts twice."""
        return self._count

    def __contains__(self, digest: int) -> bool:
        """Say whether a digest was added; wrongly yes at times, never wrongly no."""
        one, two = digest & _MASK, digest >> 32 & _MASK
        bits = self._bits
        return bool(bits[one >> 3] >> (one & 7) & 1 and bits[two >> 3] >> (two & 7) & 1)

    def add(self, digest: int) -> None:
        """Remember a digest, a 64-bit number with or without sign."""
        one, two = digest & _MASK, digest >> 32 & _MASK
        self._bits[one >> 3] |= 1 << (one & 7)
        self._bits[two >> 3] |= 1 << (two & 7)
        self._count += 1
