"""Objects in the shapes of Stripe's API reference and fixtures, with values of our own, from the JSON file beside this.

REMOVED_SINCE: fields that newer API versions dropped; stripe-python 15.6 does not carry them any more.
"""

import json
from pathlib import Path
from typing import Any

_DOCUMENT = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
SHAPES: dict[str, dict[str, Any]] = _DOCUMENT["shapes"]
REMOVED_SINCE: dict[str, dict[str, Any]] = _DOCUMENT["removed_since"]
