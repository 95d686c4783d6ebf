"""Asking the perspectives: one long-lived mTLS stream to each agent (BR 3.2.2.9)."""
