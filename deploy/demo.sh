#!/usr/bin/env bash
# A whole service on this machine, and what it decides: approved, approved with one network lied to,
# error 338 with two, refused by CAA; then who controls the name, seen from every network.
#
#   deploy/demo.sh                     run the scenes and clean up
#   deploy/demo.sh --keep              then keep running and print what to type next
#   deploy/demo.sh --internet NAME...  ask the real Internet about these names instead
#
# Needs Debian or Ubuntu with git and python3; installs what is missing, as root or with sudo.
# Everything but --internet runs in a network namespace of its own and touches no other network.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=install.sh
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

usage() { sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    "" | --keep) inside=yes ;;
    --internet) inside= ; [ $# -gt 1 ] || { usage >&2; exit 2; } ;;
    *) usage >&2; exit 2 ;;
esac

install_packages unbound dns-root-data ca-certificates
[ -z "$inside" ] || install_packages bind9 bind9-utils nftables iproute2 nginx
install_python run

export PYTHONPATH=$project PYTHONDONTWRITEBYTECODE=1
demo=("$project/.venv/bin/python" "$project/deploy/demo.py" "$@")
if [ -z "$inside" ]; then
    exec "${demo[@]}"
fi
network=mpic-demo
# One left by a demo that was killed.
as_root ip netns delete $network 2>/dev/null || true
as_root ip netns add $network
trap 'as_root ip netns delete $network' EXIT
trap : INT TERM # the demo hears them too, and cleans up
as_root env PYTHONPATH="$PYTHONPATH" PYTHONDONTWRITEBYTECODE=1 ip netns exec $network "${demo[@]}"
