#!/usr/bin/env bash
# Measures speed. Every bench says at its head what it prints.
#
#   tests/bench/run.sh [--quick] [--json FILE] [--url URL]    the table (table.py), in ten minutes
#   tests/bench/run.sh open_mpic [--seconds N]                Open MPIC beside this service
#   tests/bench/run.sh independent [--quick] [--json FILE]  the same by callers that are not in step
#   tests/bench/run.sh control|growth|early|lists|workers|soak|strangers|hostile|path|http [ARG...]    one of the others
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/install.sh"
cd "$project"
install_packages unbound dns-root-data bind9 bind9-utils nftables iproute2 nginx libnginx-mod-stream
install_python dev
export PATH=$project/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
bench=table
case ${1-} in
independent | control | growth | early | lists | workers | soak | strangers | hostile | path | http | open_mpic)
    bench=$1
    shift
    ;;
esac
if [ "$bench" = open_mpic ]; then
    theirs=/var/tmp/mpic-bench-open-mpic
    [ -x "$theirs/bin/python" ] || python3 -m venv "$theirs"
    "$theirs/bin/pip" install -q open-mpic-core==6.5.0 fastapi uvicorn requests
fi
as_root env CALLERS_NETWORK="/proc/$$/ns/net" PATH="$PATH" PYTHONPATH="$project" PYTHONDONTWRITEBYTECODE=1 \
    unshare --net -- python -m "tests.bench.$bench" "$@"
