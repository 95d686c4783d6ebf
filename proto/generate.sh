#!/usr/bin/env bash
# Makes the committed stubs of proto/mpic/v1 anew, and the descriptor set with the comments, from which
# the description of HTTP/JSON is made (/openapi.json). With an argument, into that directory.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-.}
python -m grpc_tools.protoc --proto_path=. \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out" \
    mpic/v1/*.proto
python -m grpc_tools.protoc --proto_path=. --include_imports --include_source_info \
    --descriptor_set_out="$out/mpic/v1/agreement.binpb" mpic/v1/*.proto
