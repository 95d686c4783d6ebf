#!/usr/bin/env bash
# Fuzz every target for so many seconds each: tests/fuzz/run.sh [SECONDS] [TARGET...]
# Needs what tests/run.sh has installed; installs atheris (the extra `fuzz`). Two targets at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(caa_value caa_set answer observation name)
python=${PYTHON:-.venv/bin/python}
"$python" -c 'import atheris' 2>/dev/null || "$python" -m pip install --quiet --editable '.[fuzz]'
printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET sh -c '
    if "$0" -m tests.fuzz.run TARGET '"$seconds"' >"${TMPDIR:-/tmp}/fuzz-TARGET.log" 2>&1
    then printf "%-12s nothing found, %s executions\n" TARGET \
        "$(sed -n "s/^stat::number_of_executed_units: //p" "${TMPDIR:-/tmp}/fuzz-TARGET.log")"
    else printf "%-12s FOUND, see %s\n" TARGET "${TMPDIR:-/tmp}/fuzz-TARGET.log"; exit 255
    fi' "$python"
