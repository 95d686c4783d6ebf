#!/usr/bin/env bash
# Makes the committed stubs of proto/mpic/v1 anew, and the descriptor set with the comments. With an
# argument, into that directory. From the set the description of HTTP/JSON is made (/openapi.json), and
# callers in other languages generate theirs (deploy/client.md). So it has the errors' details too.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-.}
python -m grpc_tools.protoc --proto_path=. \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out" \
    mpic/v1/*.proto
google=$(python -c 'import google.rpc, pathlib; print(pathlib.Path(*google.rpc.__path__).parents[1])')
python -m grpc_tools.protoc --proto_path=. --proto_path="$google" \
    --include_imports --include_source_info --descriptor_set_out="$out/mpic/v1/agreement.binpb" \
    mpic/v1/*.proto google/rpc/error_details.proto google/rpc/status.proto
