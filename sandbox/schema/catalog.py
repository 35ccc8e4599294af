"""The derived schema of the installed stripe-python, cached on disk, and the two validators on it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from sandbox.errors import StripeError
from sandbox.schema import derive
from sandbox.schema.validate import REFERENCE, Invalid, Validators

ERROR_CODES = {"unknown": "parameter_unknown", "missing": "parameter_missing"}


class BrokenResponse(Exception):
    """The sandbox built an object that stripe-python does not know: a defect of the sandbox."""


class Catalog:
    """Names classes as the derivation does: `stripe._charge.Charge`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.definitions: dict[str, Any] = document["$defs"]
        self.objects: dict[str, str] = document["objects"]
        self._requests = Validators(self.definitions, reading=True)
        self._responses = Validators(self.definitions, reading=False)

    def read(self, *, name: str, tree: dict[str, Any], place: str = "") -> dict[str, Any]:
        """The request's parameters in their types; raises the error Stripe would answer."""
        try:
            values: dict[str, Any] = self._requests.check(name=name, value=tree, place=place)
        except Invalid as problem:
            raise StripeError(problem.message, code=_code(problem), param=problem.place) from problem
        return values

    def confirm(self, body: dict[str, Any]) -> None:
        """Checks an object, a list or a deleted object before it is sent; raises BrokenResponse."""
        if body["object"] == "list":
            for item in body["data"]:
                self.confirm(item)
            return
        try:
            self._responses.check(name=self.objects[body["object"]], value=body)
        except Invalid as problem:
            if not (body.get("deleted") and problem.problem == "missing"):
                raise BrokenResponse(f"{body['object']} {body.get('id')}: {problem}") from problem

    def confirm_partial(self, body: dict[str, Any]) -> None:
        """As `confirm`, for the views with fewer fields that a publishable key gets."""
        known = self.definitions[self.objects[body["object"]]]["properties"]
        unknown = [name for name in body if name not in known]
        if unknown:
            raise BrokenResponse(f"{body['object']}: unknown {unknown}")

    def is_expandable(self, *, kind: str, field: str) -> bool:
        """Whether a field holds an id that may be replaced by its object. `kind` as in sandbox.expand."""
        options = _flat([self._properties(kind).get(field, {})])
        return {"type": "string"} in options and any("$ref" in option for option in options)

    def _properties(self, kind: str) -> dict[str, Any]:
        type, *fields = kind.split(">")
        name = self.objects.get(type)
        for field in fields:
            options = _flat([self.definitions.get(name or "", {}).get("properties", {}).get(field, {})])
            name = next((str(one["$ref"]).removeprefix(REFERENCE) for one in options if "$ref" in one), None)
        found: dict[str, Any] = self.definitions.get(name or "", {}).get("properties", {})
        return found


def _flat(options: list[Any]) -> list[Any]:
    return [
        leaf for option in options for leaf in (_flat(option["anyOf"]) if "anyOf" in option else [option])
    ]


def _code(problem: Invalid) -> str | None:
    if problem.message.startswith("Invalid integer"):
        return "parameter_invalid_integer"
    return ERROR_CODES.get(problem.problem)


def load(cache_folder: Path) -> Catalog:
    """The catalog from its cache file, or derived now (about a second) and cached."""
    root = package_root()
    cache = cache_folder / f"stripe-schema-{_fingerprint(root)}.json"
    try:
        return Catalog(json.loads(cache.read_bytes()))
    except (FileNotFoundError, ValueError):
        document = derive.derive(root=root, modules=derive.all_modules(root)).as_document()
    cache_folder.mkdir(parents=True, exist_ok=True)
    fresh = cache.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    fresh.replace(cache)
    return Catalog(document)


def package_root() -> Path:
    """Where stripe-python is installed; found without importing it, which costs half a second."""
    spec = importlib.util.find_spec("stripe")
    if spec is None or spec.origin is None:
        raise RuntimeError("The sandbox needs stripe-python installed: its schemas are derived from it.")
    return Path(spec.origin).parent


def _fingerprint(root: Path) -> str:
    """Of the package (its RECORD lists the hash of every file) and of the derivation itself."""
    digest = hashlib.sha256(Path(derive.__file__).read_bytes())
    for record in sorted(root.parent.glob("stripe-*.dist-info/RECORD")):
        digest.update(record.read_bytes())
    digest.update((root / "_version.py").read_bytes())
    return digest.hexdigest()[:16]
