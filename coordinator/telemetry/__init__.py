"""What an operator sees of a running coordinator: metrics, traces, log lines, readiness."""
