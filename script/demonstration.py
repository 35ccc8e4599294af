"""The demonstration, filled in while the web process starts: the merchant and its sign-ins, then the bookings.

One process makes both, so that Django is loaded once; what it prints tells how far it is. Stopped or failed, it goes on
at the next start; done once for a database, it is not asked for again.
"""

import hashlib
import os
import re
import sys
import threading
from collections.abc import Mapping

from script.children import Child, Errand
from script.console import Refusal, say, step
from script.state import State

COMMAND = "seed_demo"
LOGINS, DONE = "logins.json", "demonstration.json"
BOOKINGS_SECONDS = 12.0  # longer than that nobody waits for them before the first page
SIGN_IN = re.compile(r"^\S+@\S+  \S+$")


def make(*, state: State, variables: Mapping[str, str], children: list[Child], with_bookings: bool) -> None:
    """Make what is missing. Returns when the merchant is there, and the bookings are or would take too long.

    What an earlier start left undone is made beside the running product: nobody waits for it again.
    """
    wanted = {"made_in": _place(), "bookings": with_bookings}
    before = state.read(DONE, otherwise={})
    if before in (wanted, wanted | {"bookings": True}):
        return
    merchant = threading.Event()
    sign_ins: list[str] = []

    def hears(line: str) -> bool:
        """What it prints: sign-ins first, to be told at the end, then how far it is."""
        if SIGN_IN.match(line):
            sign_ins.append(line)
            state.write(LOGINS, sign_ins)
            return True
        if not merchant.is_set():
            state.write(DONE, {**wanted, "bookings": False})
            merchant.set()
        return False

    command = [sys.executable, "manage.py", COMMAND, "--if-empty", *["--bookings"] * with_bookings]
    errand = Errand(
        name="seed",
        command=command,
        environment=variables,
        state=state,
        hears=hears,
        done=lambda: state.write(DONE, wanted),
    )
    children.append(errand)
    if before.get("made_in") == wanted["made_in"]:
        say("  the rest of the demonstration is made in the background")
        errand.start()
        return
    with step("filling in a demonstration merchant"):
        errand.start()
        while not merchant.wait(0.05) and errand.exit_code is None:
            pass
    if errand.exit_code:
        raise Refusal(f"`manage.py {COMMAND}` failed (above): mend that, then run it again.")
    with step("making demonstration bookings" if with_bookings else "the rest of it"):
        if not errand.ends_within(BOOKINGS_SECONDS):
            say("  the rest of the demonstration bookings is made in the background")


def sign_ins_of(state: State) -> list[str]:
    """What the command printed when it filled this database: whom to log in as."""
    lines: list[str] = state.read(LOGINS, otherwise=[])
    return lines


def _place() -> str:
    """Which database; of a given one, not its password."""
    return hashlib.sha256(os.environ.get("DATABASE_URL", "ours").encode()).hexdigest()
