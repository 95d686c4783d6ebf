"""Messages and services, version 1: made from the .proto files beside them."""
