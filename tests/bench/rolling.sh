#!/usr/bin/env bash
# Restarts and renews every program in turn under load; --quick within 60 s, --json FILE for the rows.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../deploy/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../deploy/install.sh"
cd "$project"
install_packages unbound dns-root-data bind9 bind9-utils nftables iproute2
install_python dev
export PATH=$project/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
as_root env PATH="$PATH" PYTHONPATH="$project" PYTHONDONTWRITEBYTECODE=1 \
    unshare --net -- python -m tests.bench.rolling "$@"
