# shellcheck shell=bash
# Sourced by every step. A step runs in the active virtual environment, or in one of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The steps build the same objects several times.
if command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache; fi

say() { printf '\n== %s\n' "$*"; }
fail() { echo "$*" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${VIRTUAL_ENV:-}" ]; then
    python3 -m venv "$work/venv"
    # shellcheck disable=SC1091
    source "$work/venv/bin/activate"
    python -m pip install -q --upgrade pip # --group needs pip 25.1
fi

# The README's own command that installs an extra, so that what it promises is what is tested.
readme_command() {
    local found
    found=$(sed -n "s/^\(python -m pip install \"\.\[$1\]\" && .*\)\$/\1/p" README.md)
    [ -n "$found" ] || fail "README.md has no command with .[$1]"
    echo "$found"
}

# The package and what the tests need, where a step before this one has not installed them.
need_package() {
    python -c 'import convcore, hypothesis, pytest' 2>/dev/null || python -m pip install -q ".[test]"
}
