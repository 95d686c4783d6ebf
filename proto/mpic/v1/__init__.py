"""Messages and services, version 1: generated from the .proto files in this directory."""
