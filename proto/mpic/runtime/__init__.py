"""What the two programs share to run: command line, configuration, admin port, TLS, gRPC."""
