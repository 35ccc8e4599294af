"""Stripe's form encoding to a tree: `a[b]=1` is a hash, `a[0]=1` and `a[]=1` are lists. Leaves stay strings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

Tree = dict[str, Any]


def parse(text: str) -> Tree:
    """The tree of a query string or of a form body."""
    return build(parse_qsl(text, keep_blank_values=True))


def build(pairs: Iterable[tuple[str, str]]) -> Tree:
    tree: Tree = {}
    for name, value in pairs:
        _place(tree, _steps(name), value)
    return {name: _listed(node) for name, node in tree.items()}


def _steps(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    return [head, *(rest[:-1].split("][") if rest.endswith("]") else [])]


def _place(tree: Tree, steps: list[str], value: str) -> None:
    node = tree
    for step in steps[:-1]:
        key = _key(node, step)
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    node[_key(node, steps[-1])] = value


def _key(node: Tree, step: str) -> str:
    """`[]` appends: it takes the next number of its list."""
    return step or str(len(node))


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = {key: _listed(child) for key, child in node.items()}
    if children and all(key.isdigit() for key in children):
        return [children[key] for key in sorted(children, key=int)]
    return children
