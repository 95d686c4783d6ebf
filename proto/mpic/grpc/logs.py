"""Logging: structlog, JSON lines or a console form, on standard error.

Names, record contents and error texts come from the network. JSON escapes them; the console
form shows strings as Python literals, so that no control character reaches a terminal.
"""

import logging
import sys
from typing import Literal

import structlog

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]


def configure_logging(form: Format, level: Level) -> None:
    """Set up structlog for this process."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
