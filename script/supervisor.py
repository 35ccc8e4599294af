"""The one entry behind script/server, script/test and script/bench: installs when needed, then hands over.

Runs first under any Python >= 3.11 with nothing installed, then again under .venv's. Nothing above the hand-over
may import a package from outside the standard library.
"""

import errno
import importlib
import os
import sys

from script import install
from script.console import ROOT, Refusal, say

# Besides `install`, which only brings .venv up to date.
COMMANDS = {"server": "script.server", "test": "script.testing", "bench": "script.bench"}


def main(arguments: list[str]) -> int:
    command, *rest = arguments
    try:
        install.ensure()
        if command == "install":
            return 0
        if sys.prefix != str(install.VENV):
            python = str(install.PYTHON)
            os.execv(python, [python, "-m", "script.supervisor", *arguments])  # noqa: S606
        return int(importlib.import_module(COMMANDS[command]).main(rest))
    except Refusal as refusal:
        say(f"\n{refusal}")
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        say(f"\nThe disk is full ({error.filename or ROOT}): free at least 1 GB, then run it again.")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
