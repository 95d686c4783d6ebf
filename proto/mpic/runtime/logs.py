"""Logging: structlog, JSON lines or a console form, on standard error.

Names, record contents and error texts come from the network. JSON escapes them. The console form
shows strings as Python literals, so that no control character reaches a terminal.

Logging never raises, whatever happens to the line (see `log_sink`). An exception would end the work
beside it, such as telling a verdict that is already recorded.
"""

import json
import logging
import sys
from typing import Literal

import structlog

from mpic.runtime.log_sink import SINK

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_ALWAYS = "always"
_threshold = [logging.INFO]
"""The threshold of this process. Loggers are made once, so it is not theirs."""
_LEVELS = {name.lower(): level for name, level in logging.getLevelNamesMapping().items()}
_LEVELS["exception"] = logging.ERROR

# Made once: json.dumps would make one for each line.
_encode = json.JSONEncoder(default=repr).encode


def set_level(level: Level) -> None:
    """Set the level from which on lines are written."""
    _threshold[0] = _LEVELS[level]


def write_always(event: str, **facts: object) -> None:
    """Write a line whatever the level is: others rely on it."""
    structlog.get_logger().info(event, **facts, **{_ALWAYS: True})


def _drop_below_threshold(
    _logger: object, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    if not event.pop(_ALWAYS, False) and _LEVELS[method] < _threshold[0]:
        raise structlog.DropEvent
    return event


def _to_json(_logger: object, _method: str, event: structlog.types.EventDict) -> str:
    return _encode(event)


class _Lines:
    """What structlog hands lines to."""

    def msg(self, line: str) -> None:
        """Write a line, and one more that says how many were lost before."""
        if lost := SINK.write(line):
            structlog.get_logger().error("log_lines_lost", count=lost)

    debug = info = warning = error = critical = msg


class _Logger(structlog.make_filtering_bound_logger(logging.DEBUG)):  # type: ignore[misc] # made at run time
    """A logger that loses a line if it cannot be encoded, and never raises."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, **facts: object) -> None:
        try:
            super()._proxy_to_logger(method_name, event, **facts)
        except Exception:  # noqa: BLE001 - whatever it is, it is the log's
            SINK.lose()


def configure_logging(form: Format, level: Level) -> None:
    """Set up structlog for this process."""
    set_level(level)
    SINK.open(sys.stderr)
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
        wrapper_class=_Logger,
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
