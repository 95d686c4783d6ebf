"""What the programs show on their admin ports."""

import urllib.error
import urllib.request

from prometheus_client import parser

_SECONDS = 60


def get(address: str, path: str) -> tuple[int, str]:
    """Return status and text of a page."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=_SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(address: str) -> dict[tuple[str, ...], float]:
    """Return every sample by name and labels ("name", "label=value", ...)."""
    status, text = get(address, "/metrics")
    assert status == 200
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
