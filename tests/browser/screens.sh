#!/usr/bin/env bash
# Screenshots of every scene of tests/world/scenes.py, in both languages, on phone and desk, light and dark,
# with the time to first byte and the size of each page.
#
#   tests/browser/screens.sh [DIRECTORY]     without a directory, into a new one, whose path is printed
set -euo pipefail
directory=$(realpath -m "${1:-$(mktemp -d -t mpic-screens-XXXXXX)}")
export MPIC_SCREENSHOTS=$directory
exec "$(dirname "${BASH_SOURCE[0]}")/../run.sh" tests/browser/screens.py -q -s
