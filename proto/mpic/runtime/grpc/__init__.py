"""Good gRPC manners, written once for both programs."""
