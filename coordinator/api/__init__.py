"""The faces: messages in, values down, messages out. Nothing is decided here."""
