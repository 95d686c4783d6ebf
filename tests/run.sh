#!/usr/bin/env bash
# Everything that must hold before a change lands: agreement, style, types, architecture, tests.
#
#   tests/run.sh            all of it
#   tests/run.sh ARG...     only pytest, with these arguments
#
# Needs Debian or Ubuntu with git and python3; installs what is missing, as root or with sudo.
# The tests run in network namespaces of their own and touch no other network. They wait as long as
# they compute, so all of them take half the time in two processes; every file stays with one.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../deploy/install.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/install.sh"
cd "$project"

install_packages unbound dns-root-data ca-certificates bind9 bind9-utils bind9-dnsutils nftables \
    iproute2 openssl git prometheus systemd postgresql faketime nginx chromium fonts-ipafont-gothic
install_python dev
# For a caller in another language. Debian's npm is large, so one that is there already is taken.
command -v npm >/dev/null || install_packages nodejs npm
if ! cmp -s tests/node/package-lock.json tests/node/node_modules/.installed; then
    echo "Installing npm packages into tests/node (package-lock.json)"
    if npm ci --prefix tests/node --no-audit --no-fund --ignore-scripts >/dev/null; then
        cp tests/node/package-lock.json tests/node/node_modules/.installed
    fi
fi
# The tests start some hundred programs: what was compiled is kept, but nothing in the source's tree.
bytecode=$(mktemp -d)
trap 'as_root rm -rf "$bytecode"' EXIT
unset PYTHONDONTWRITEBYTECODE
export PATH=$project/.venv/bin:$PATH PYTHONPYCACHEPREFIX=$bytecode

step() {
    echo "== $*"
    "$@"
}

if [ $# = 0 ]; then
    (cd proto && step buf lint && step buf breaking --against released.binpb)
    step ruff check .
    step ruff format --check .
    step lint-imports
    step mypy
    step shellcheck -x deploy/*.sh deploy/*/*.sh tests/*.sh tests/bench/*.sh tests/browser/*.sh tests/fuzz/*.sh proto/*.sh .ci/run
    set -- -n 2 --dist loadfile --no-loadscope-reorder
fi
echo "== pytest $*"
as_root env PATH="$PATH" PYTHONPYCACHEPREFIX="$bytecode" MPIC_SCREENSHOTS="${MPIC_SCREENSHOTS:-}" \
    unshare --net -- \
    bash -c 'ip link set lo up && exec python -m pytest "$@"' pytest "$@"
