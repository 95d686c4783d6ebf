"""Logging: structlog, JSON lines or a console form, on standard error.

Names, record contents and error texts come from the network. JSON escapes them; the console
form shows strings as Python literals, so that no control character reaches a terminal.
"""

import json
import logging
import sys
from typing import Literal

from mpic.imports import hidden

# Where there is rich, structlog loads it for tracebacks in colour, which nobody shows here: 3 MB
# in each process and 20 ms of its start.
with hidden("rich"):
    import structlog

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_threshold = [logging.INFO]
"""Of this process; loggers are made once, so it is not theirs."""
_LEVELS = {name.lower(): level for name, level in logging.getLevelNamesMapping().items()}
_LEVELS["exception"] = logging.ERROR

# Made once: json.dumps makes one for each line that has a `default`, at a third of its cost.
_encode = json.JSONEncoder(default=repr).encode


def set_level(level: Level) -> None:
    """Say from which level on lines are written, from now on."""
    _threshold[0] = _LEVELS[level]


def _drop_below_threshold(
    _logger: object, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    if _LEVELS[method] < _threshold[0]:
        raise structlog.DropEvent
    return event


def _to_json(_logger: object, _method: str, event: structlog.types.EventDict) -> str:
    return _encode(event)


def configure_logging(form: Format, level: Level) -> None:
    """Set up structlog for this process."""
    set_level(level)
    renderer: structlog.types.Processor = (
        _to_json
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            _drop_below_threshold,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
