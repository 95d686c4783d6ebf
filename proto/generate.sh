#!/usr/bin/env bash
# Makes the committed stubs of proto/mpic/v1 anew. With an argument, into that directory.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-.}
python -m grpc_tools.protoc --proto_path=. \
    --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out" \
    mpic/v1/*.proto
