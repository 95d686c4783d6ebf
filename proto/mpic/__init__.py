"""The agreement between the coordinator, the perspective agents and their callers."""

from importlib.metadata import version

__version__ = version("mpic")
