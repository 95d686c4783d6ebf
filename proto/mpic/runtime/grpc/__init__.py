"""What both programs need of gRPC, written once."""
