"""Logging: structlog, JSON lines or a console form, on standard error.

Names, record contents and error texts come from the network. JSON escapes them; the console
form shows strings as Python literals, so that no control character reaches a terminal.
"""

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
_LEVEL_OF = {"exception": "error", "warn": "warning"}


def set_level(level: Level) -> None:
    """Say from which level on lines are written, from now on."""
    _threshold[0] = logging.getLevelNamesMapping()[level.upper()]


def _drop_below_threshold(
    _logger: object, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    if logging.getLevelNamesMapping()[_LEVEL_OF.get(method, method).upper()] < _threshold[0]:
        raise structlog.DropEvent
    return event


def configure_logging(form: Format, level: Level) -> None:
    """Set up structlog for this process."""
    set_level(level)
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
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
