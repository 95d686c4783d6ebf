#!/usr/bin/env bash
# Kills the coordinator under load, again and again, and looks whether an approval was lost.
#
#   tests/bench/kill.sh --kills 300 [--store postgresql]
#   tests/bench/kill.sh --cancels 20000 [--store postgresql]    calls are cancelled instead
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/install.sh"
cd "$project"
install_packages unbound dns-root-data bind9 bind9-utils nftables iproute2 postgresql
install_python dev
export PATH=$project/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
as_root env PATH="$PATH" PYTHONPATH="$project" PYTHONDONTWRITEBYTECODE=1 \
    unshare --net -- python -m tests.bench.kill "$@"
