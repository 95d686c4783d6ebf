"""The link to this agent's own Unbound, and what is read of its answers."""
