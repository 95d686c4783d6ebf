"""What is in deploy/monitoring, as its tests need it."""

import json
import re
from pathlib import Path
from typing import Any

MONITORING = Path(__file__).resolve().parents[2] / "deploy/monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
BOARDS = sorted((MONITORING / "boards").glob("*.json"))
ALERTS = re.findall(r"- alert: (\w+)", (MONITORING / "rules/alerts.yml").read_text())

# A name in an expression that is a metric of ours, or one of those every program has.
_METRIC = re.compile(r"\b(?:mpic|grpc_server|process)_\w+|\b(?:mpic|perspective):[\w:]+")


def panels(board: Path) -> list[dict[str, Any]]:
    """Return the panels of a board, rows apart."""
    found: list[dict[str, Any]] = json.loads(board.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def queries(board: Path) -> dict[str, str]:
    """Return the expressions of a board by title and number, with every perspective chosen."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$perspective", ".*")
        for panel in panels(board)
        for target in panel["targets"]
    }


def recorded() -> set[str]:
    """Return the names that recording rules make."""
    text = (MONITORING / "rules/recording.yml").read_text()
    return set(re.findall(r"- record: (\S+)", text))


def metrics_used() -> set[str]:
    """Return every metric that a board or a rule reads."""
    texts = [re.sub(r"(?m)^ *- record: .*|^ *#.*", "", rules.read_text()) for rules in RULES]
    texts += [expression for board in BOARDS for expression in queries(board).values()]
    texts += re.findall(r"label_values\([^)]*\)", "".join(board.read_text() for board in BOARDS))
    return set(_METRIC.findall("\n".join(texts)))
