#!/usr/bin/env bash
# Installs what the demo and the tests need and says what it installs. To be sourced.
#
#   install_packages PACKAGE...   Debian packages that are missing, as root or with sudo
#   install_python EXTRA          .venv with the locked dependencies and this project
#   as_root COMMAND...            as root, or with sudo

set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "This needs root: run it as root, or install sudo." >&2
        return 1
    fi
}

install_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    echo "Installing Debian packages: ${missing[*]}"
    # The name servers are started by the demo and the tests themselves, never by the system.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod +x $policy
        made=yes
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    [ -z "$made" ] || as_root rm -f $policy
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

install_python() {
    local extra=$1 venv=$project/.venv
    # The system's if it will do: it is built optimized, which others often are not, and that saves a
    # sixth of the CPU.
    local python=${PYTHON:-/usr/bin/python3}
    [ -n "${PYTHON:-}" ] || is_recent "$python" || python=python3
    if ! is_recent "$python"; then
        echo "Python 3.11 or later is needed; $python is $("$python" -V). Set PYTHON to another." >&2
        return 1
    fi
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        install_packages python3-venv
    fi
    local stamp=$venv/.installed-$extra
    if [ ! -e "$stamp" ] || [ "$project/requirements-$extra.txt" -nt "$stamp" ] || [ "$project/pyproject.toml" -nt "$stamp" ]; then
        echo "Installing Python packages into .venv (requirements-$extra.txt)"
        [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install -q --require-hashes -r "$project/requirements-$extra.txt"
        "$venv/bin/python" -m pip install -q --no-deps -e "$project"
        touch "$stamp"
    fi
}
