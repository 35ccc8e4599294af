# Sourced by script/server, script/test, script/bench and .ci/run: sets PYTHON to one that can run script/supervisor.py.
recent() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in .venv/bin/python ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if recent "$candidate"; then
            PYTHON=$candidate
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no Python at all")
    echo "Tableside needs Python 3.11 or newer and found ${found}: install one (Debian, Ubuntu: apt-get install python3;" \
        "macOS: python.org or brew), or name it: PYTHON=/path/to/python3.11 $0" >&2
    exit 1
}

find_python

# Where somebody wants no compiled modules beside the sources they are kept in .venv: with none at all, each of the
# dozen processes of a start, and each of the tests', would compile everything that it imports anew.
if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ] && [ -z "${PYTHONPYCACHEPREFIX:-}" ]; then
    unset PYTHONDONTWRITEBYTECODE
    export PYTHONPYCACHEPREFIX="$PWD/.venv/.pycache"
fi
