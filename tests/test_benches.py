"""script/bench's modules can all be run by it."""

import importlib

import pytest

from script.bench import BENCHES


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHES.glob("[!_]*.py")))
def test_every_bench_has_figures_to_tell(name: str) -> None:
    assert callable(importlib.import_module(f"script.benches.{name}").figures)
