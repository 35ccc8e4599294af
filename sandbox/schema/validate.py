"""Validators compiled from JSON Schema to closures, once per class, on first use.

Only what the derivation produces is understood: type, enum, anyOf, $ref, properties, required, items,
additionalProperties. A validator returns the value; a reading validator turns form strings into the types the
schema asks for. tests/test_schema.py holds them to the `jsonschema` library's verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Check = Callable[[Any, str], Any]
REFERENCE = "#/$defs/"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


class Invalid(Exception):
    """The first thing that is wrong, with the place written as Stripe writes it: `items[0][price]`."""

    def __init__(self, *, place: str, problem: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.problem = problem
        self.message = message

    @property
    def depth(self) -> int:
        return self.place.count("[")


class Validators:
    """Compiled validators of one document. `reading=True` is for requests: strings are converted."""

    def __init__(self, definitions: dict[str, Schema], *, reading: bool) -> None:
        self.definitions = definitions
        self.reading = reading
        self._compiled: dict[str, Check] = {}

    def check(self, *, name: str, value: Any, place: str = "") -> Any:
        """The value, converted when reading; raises Invalid."""
        return self._named(name)(value, place)

    def _named(self, name: str) -> Check:
        if name not in self._compiled:
            self._compiled[name] = self._compile(self.definitions[name])
        return self._compiled[name]

    def _compile(self, schema: Schema) -> Check:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REFERENCE)
            # Looked up when used: classes refer to each other, and most are never needed.
            return lambda value, place: self._named(name)(value, place)  # noqa: PLW0108
        if "enum" in schema:
            return self._enum(schema["enum"])
        if "anyOf" in schema:
            return self._any_of(schema["anyOf"])
        kind = schema.get("type")
        if kind == "object" and "properties" in schema:
            return self._object(schema)
        if kind == "object":
            return self._map(schema.get("additionalProperties"))
        if kind == "array":
            return self._array(schema["items"])
        return self._scalar([kind] if isinstance(kind, str) else kind)

    def _scalar(self, kinds: list[str] | None) -> Check:
        if not kinds:
            return lambda value, place: value
        accepted = tuple(python for kind in kinds for python in TYPES[kind])
        name, booleans, reading = kinds[0], bool in accepted, self.reading

        def check(value: Any, place: str) -> Any:
            if reading and isinstance(value, str):
                return _read(value, name=name, place=place)
            if not isinstance(value, accepted) or (isinstance(value, bool) and not booleans):
                raise _wrong_type(value, name=name, place=place)
            return value

        return check

    def _enum(self, allowed: list[Any]) -> Check:
        reading = self.reading
        booleans = {str(item).lower(): item for item in allowed if isinstance(item, bool)}
        spoken = ", ".join(str(item) for item in allowed if item != "")

        def check(value: Any, place: str) -> Any:
            if reading and isinstance(value, str) and value in booleans:
                return booleans[value]
            if not any(value == item and type(value) is type(item) for item in allowed):
                name = place.rpartition("[")[2].rstrip("]")
                raise Invalid(place=place, problem="enum", message=f"Invalid {name}: must be one of {spoken}")
            return value

        return check

    def _any_of(self, options: list[Schema]) -> Check:
        checks = [self._compile(option) for option in options]

        def check(value: Any, place: str) -> Any:
            closest: Invalid | None = None
            for option in checks:
                try:
                    return option(value, place)
                except Invalid as problem:
                    if closest is None or _is_closer(problem, closest):
                        closest = problem
            raise closest or Invalid(place=place, problem="type", message=f"Invalid {place}")

        return check

    def _object(self, schema: Schema) -> Check:
        properties = {name: self._compile(child) for name, child in schema["properties"].items()}
        required = schema["required"]

        def check(value: Any, place: str) -> Any:
            if not isinstance(value, dict):
                raise _wrong_type(value, name="object", place=place)
            result = {}
            for name, child in value.items():
                where = f"{place}[{name}]" if place else name
                known = properties.get(name)
                if known is None:
                    raise Invalid(
                        place=where, problem="unknown", message=f"Received unknown parameter: {where}"
                    )
                result[name] = known(child, where)
            for name in required:
                if name not in value:
                    where = f"{place}[{name}]" if place else name
                    raise Invalid(place=where, problem="missing", message=f"Missing required param: {where}.")
            return result

        return check

    def _map(self, values: Any) -> Check:
        item = self._compile(values) if isinstance(values, dict) else None

        def check(value: Any, place: str) -> Any:
            if not isinstance(value, dict):
                raise _wrong_type(value, name="object", place=place)
            if item is None:
                return value
            return {name: item(child, f"{place}[{name}]") for name, child in value.items()}

        return check

    def _array(self, items: Schema) -> Check:
        item = self._compile(items)

        def check(value: Any, place: str) -> Any:
            if not isinstance(value, list):
                raise _wrong_type(value, name="array", place=place)
            return [item(child, f"{place}[{index}]") for index, child in enumerate(value)]

        return check


def _is_closer(problem: Invalid, closest: Invalid) -> bool:
    """Of several refusals the deepest says most; at one depth "not among these values" beats "wrong type"."""
    rank = {"type": 0, "missing": 1, "unknown": 1, "enum": 1}
    return (problem.depth, rank[problem.problem]) > (closest.depth, rank[closest.problem])


def _wrong_type(value: Any, *, name: str, place: str) -> Invalid:
    spoken = {"object": "object", "array": "array"}.get(name, name)
    return Invalid(place=place, problem="type", message=f"Invalid {spoken}: {value!s:.80}")


def _read(value: str, *, name: str, place: str) -> Any:
    if name == "string":
        return value
    if name == "boolean" and value in ("true", "false"):
        return value == "true"
    try:
        if name == "integer":
            return int(value)
        if name == "number":
            return float(value)
    except ValueError:
        pass
    raise _wrong_type(value, name=name, place=place)
