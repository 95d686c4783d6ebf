"""The agent's private Unbound: configuration, process, supervision, proofs that it validates."""
