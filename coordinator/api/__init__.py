"""The interfaces for callers: messages to values and back. Nothing is decided here."""
