"""The rows of another system that answers `POST /mpic` (the API of Open MPIC). Prints them as JSON.

    python -m tests.bench.foreign URL [--quick]

`table.py` starts it in the network from which the bench was called, because the bench's own network
has nothing but itself. A check is CAA and A of one new name, as two calls at once. The system's
resolvers must know hostN.child.parent.example.co.jp with the address 203.0.113.100. Its CPU cannot
be measured from here.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp

from tests.bench.load import Ask, run_closed
from tests.bench.rows import Load, figures

FOREIGN = "other"
"""The front of another system."""

_SECONDS = 30.0


def plan_foreign(*, quick: bool) -> Iterator[Load]:
    """Yield the rows."""
    for in_flight in (1, 64) if quick else (1, 16, 64, 256):
        yield Load(FOREIGN, in_flight=in_flight, resolver="unknown")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="such as http://host:8000/mpic")
    parser.add_argument("--quick", action="store_true", help="fewer rows")
    arguments = parser.parse_args()
    seconds = 1.0 if arguments.quick else 5.0
    for load in plan_foreign(quick=arguments.quick):
        print(json.dumps(asyncio.run(measure(arguments.url, load, seconds))), flush=True)


async def measure(url: str, load: Load, seconds: float) -> dict[str, Any]:
    """Measure one row."""
    async with open_foreign(url) as ask:
        await run_closed(ask, min(load.in_flight, 16), 0.3)
        result = await run_closed(ask, load.in_flight, seconds)
    unseen = (
        "cpu_ms_per_check",
        "coordinator_cpu_ms_per_check",
        "resolver_cpu_ms_per_check",
        "dns_queries_per_check",
    )
    return {**load.key(), **figures(result), **dict.fromkeys(unseen), "rss_mb": {}}


@asynccontextmanager
async def open_foreign(url: str) -> AsyncIterator[Ask]:
    """Ask another system by the API of Open MPIC: CAA and A of one new name, as two calls."""
    numbers = count()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_SECONDS)) as session:

        async def post(body: dict[str, object]) -> bool:
            async with session.post(url, json=body) as response:
                return bool((await response.json()).get("is_valid"))

        async def ask() -> bool:
            name = f"host{next(numbers)}.child.parent.example.co.jp"
            caa = {"check_type": "caa", "domain_or_ip_target": name}
            address = {
                "check_type": "dcv",
                "domain_or_ip_target": name,
                "dcv_check_parameters": {
                    "validation_method": "ip-address",
                    "dns_record_type": "A",
                    "challenge_value": "203.0.113.100",
                },
            }
            return all(await asyncio.gather(post(caa), post(address)))

        yield ask


if __name__ == "__main__":
    main()
