#!/usr/bin/env bash
# Fuzz every target for so many seconds each: tests/fuzz/run.sh [SECONDS] [TARGET...]
# Needs what tests/run.sh has installed; installs atheris (the extra `fuzz`). Two targets at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
targets=("$@")
python=${PYTHON:-.venv/bin/python}
if [ ${#targets[@]} = 0 ]; then
    read -ra targets < <("$python" -c 'from tests.fuzz.targets import TARGETS; print(*TARGETS)')
fi

fuzz() {
    local target=$1 log=${TMPDIR:-/tmp}/fuzz-$1.log
    if "$python" -m tests.fuzz.run "$target" "$seconds" >"$log" 2>&1; then
        printf '%-12s nothing found, %s executions\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")"
    else
        printf '%-12s FOUND, see %s\n' "$target" "$log"
        return 1
    fi
}

"$python" -c 'import atheris' 2>/dev/null || "$python" -m pip install --quiet --editable '.[fuzz]'
if [ ${#targets[@]} = 1 ]; then
    fuzz "${targets[0]}"
else
    printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET "$0" "$seconds" TARGET
fi
