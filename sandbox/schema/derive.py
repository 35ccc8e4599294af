"""JSON Schema from stripe-python's generated classes, read as text by `ast` (the package is never imported).

Responses come from the resource classes, requests from the `*Params` TypedDicts. Two readings are deliberate:
an open enum (`Union[Literal[...], str]`) is closed, and a property that is not declared is refused.
`Optional[...]` in a response means "nullable or absent": stripe-python does not carry which of the two.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

GENERATED_MARK = "generated from our OpenAPI"
PRIMITIVES: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "Decimal": {"type": ["string", "number"]},
    "None": {"type": "null"},
    "Any": {},
    "object": {},
    "StripeObject": {"type": "object"},
    "UntypedStripeObject": {"type": "object"},
}
LISTS = ("ListObject", "SearchResultObject")
ARRAYS = ("List", "list", "Sequence")
MAPS = ("Dict", "dict", "Mapping", "UntypedStripeObject")


@dataclass
class Derivation:
    """Definitions by qualified class name, and the class of each `object` value."""

    definitions: dict[str, Schema] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)

    def as_document(self) -> Schema:
        """One JSON Schema document; references to classes that were not derived accept anything."""
        definitions = {name: self._resolved(schema) for name, schema in self.definitions.items()}
        return {"$defs": definitions, "objects": self.objects}

    def _resolved(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            return {"$ref": f"#/$defs/{reference}"} if reference in self.definitions else {}
        return {
            key: value if key in ("required", "enum") else self._resolved(value)
            for key, value in node.items()
        }


def derive(*, root: Path, modules: Iterable[str]) -> Derivation:
    """Derives the given modules (paths relative to the package, without `.py`, as `params/_charge_list_params`)."""
    result = Derivation()
    for module in modules:
        source = (root / f"{module}.py").read_text(encoding="utf-8")
        if GENERATED_MARK in source:
            _Module(name="stripe." + module.replace("/", "."), source=source, result=result).visit()
    return result


def all_modules(root: Path) -> list[str]:
    """Every generated v1 module of the package: for tests of the whole derivation."""
    found = []
    for path in sorted(root.rglob("_*.py")):
        relative = path.relative_to(root)
        if "v2" in relative.parts or relative.stem.endswith("_service") or relative.name == "__init__.py":
            continue
        found.append(relative.with_suffix("").as_posix())
    return found


class _Module:
    def __init__(self, *, name: str, source: str, result: Derivation) -> None:
        self.name = name
        self.result = result
        self.tree = ast.parse(source)
        self.imports = dict(_imports(self.tree.body))

    def visit(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                self._class(node, outer=[])
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                self._functional_typed_dict(node, node.value)

    def _functional_typed_dict(self, node: ast.Assign, call: ast.Call) -> None:
        """`_XBase = TypedDict("_XBase", {"in": ...})`, used where a key is a Python keyword."""
        if getattr(call.func, "id", "") != "TypedDict" or not isinstance(call.args[1], ast.Dict):
            return
        properties, required = {}, []
        for key, annotation in zip(call.args[1].keys, call.args[1].values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                schema, needed = self._convert(annotation, scope=[], local=set())
                properties[key.value] = schema
                required += [key.value] if needed else []
        target = node.targets[0]
        if isinstance(target, ast.Name):
            self._define([target.id], properties, required)

    def _define(self, path: list[str], properties: dict[str, Schema], required: list[str]) -> None:
        self.result.definitions[".".join([self.name, *path])] = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _class(self, node: ast.ClassDef, *, outer: list[str]) -> None:
        path = [*outer, node.name]
        local = {child.name for child in node.body if isinstance(child, ast.ClassDef)}
        properties: dict[str, Schema] = {}
        required: list[str] = []
        self._inherit(node, properties, required)
        for child in node.body:
            if isinstance(child, ast.ClassDef):
                self._class(child, outer=path)
            elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
                if _is_class_var(child.annotation):
                    self._remember_object_name(child, path)
                elif not child.target.id.startswith("_"):
                    schema, needed = self._convert(child.annotation, scope=path, local=local)
                    properties[child.target.id] = schema
                    required += [child.target.id] if needed else []
        self._define(path, properties, required)

    def _inherit(self, node: ast.ClassDef, properties: dict[str, Schema], required: list[str]) -> None:
        for base in node.bases:
            parent = self.result.definitions.get(f"{self.name}.{getattr(base, 'id', '')}")
            if parent:
                properties.update(parent["properties"])
                required.extend(parent["required"])

    def _remember_object_name(self, child: ast.AnnAssign, path: list[str]) -> None:
        if getattr(child.target, "id", "") == "OBJECT_NAME" and isinstance(child.value, ast.Constant):
            self.result.objects[str(child.value.value)] = ".".join([self.name, *path])

    def _convert(self, node: ast.expr, *, scope: list[str], local: set[str]) -> tuple[Schema, bool]:
        """The schema of an annotation, and whether the property must be present."""
        if isinstance(node, ast.Constant):
            if node.value is None:
                return {"type": "null"}, True
            return self._convert(ast.parse(str(node.value), mode="eval").body, scope=scope, local=local)
        if isinstance(node, ast.BinOp):
            return self._union([node.left, node.right], scope=scope, local=local), True
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._named(_dotted(node), scope=scope, local=local), True
        if isinstance(node, ast.Subscript):
            return self._subscript(node, scope=scope, local=local)
        raise ValueError(f"annotation not understood in {self.name}: {ast.unparse(node)}")

    def _named(self, parts: list[str], *, scope: list[str], local: set[str]) -> Schema:
        head = parts[0]
        if head in local:
            return {"$ref": ".".join([self.name, *scope, *parts])}
        if head in PRIMITIVES:
            return dict(PRIMITIVES[head])
        if head in self.imports:
            module, original = self.imports[head]
            return {"$ref": ".".join([module, original, *parts[1:]])}
        return {"$ref": ".".join([self.name, *parts])}

    def _subscript(self, node: ast.Subscript, *, scope: list[str], local: set[str]) -> tuple[Schema, bool]:
        name = getattr(node.value, "id", "")
        arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]

        def converted(argument: ast.expr) -> Schema:
            return self._convert(argument, scope=scope, local=local)[0]

        if name == "Optional":
            return {"anyOf": [converted(arguments[0]), {"type": "null"}]}, False
        if name == "NotRequired":
            return converted(arguments[0]), False
        if name == "Literal":
            return {"enum": [ast.literal_eval(argument) for argument in arguments]}, True
        if name == "Union":
            return self._union(arguments, scope=scope, local=local), True
        if name in ARRAYS:
            return {"type": "array", "items": converted(arguments[0])}, True
        if name in MAPS:
            return {"type": "object", "additionalProperties": converted(arguments[-1])}, True
        if name == "ExpandableField":
            return {"anyOf": [{"type": "string"}, converted(arguments[0])]}, True
        if name in LISTS:
            return _list_schema(converted(arguments[0])), True
        raise ValueError(f"annotation not understood in {self.name}: {ast.unparse(node)}")

    def _union(self, arguments: list[ast.expr], *, scope: list[str], local: set[str]) -> Schema:
        options = [self._convert(argument, scope=scope, local=local)[0] for argument in arguments]
        if any("enum" in option and option["enum"] != [""] for option in options):
            options = [option for option in options if option != PRIMITIVES["str"]]
        return {"anyOf": options} if len(options) > 1 else options[0]


def _imports(body: list[ast.stmt]) -> Iterable[tuple[str, tuple[str, str]]]:
    for node in body:
        if isinstance(node, ast.If):
            yield from _imports(node.body)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe"):
            for alias in node.names:
                yield alias.asname or alias.name, (node.module or "", alias.name)


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [getattr(node, "id", "")]


def _is_class_var(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Subscript) and getattr(annotation.value, "id", "") == "ClassVar"


def _list_schema(item: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["object", "data", "has_more", "url"],
        "properties": {
            "object": {"enum": ["list", "search_result"]},
            "data": {"type": "array", "items": item},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        },
        "additionalProperties": False,
    }
