"""The JSON Schemas of what is asked and answered, made from the types that decode and show it."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, Final, get_args, get_origin, get_type_hints

from msgspec.json import schema_components

from chalicelib.views.shown import NAMES, OURS, SHAPES
from chalicelib.web.bodies import Body
from chalicelib.web.http import Problem
from chalicelib.web.shown import Beside, Listed

Schema = dict[str, Any]
_REF: Final = "#/components/schemas/{name}"


def components(types: Iterable[Any]) -> Schema:
    """The named schemas of bodies and answers: records as they are shown."""
    named = sorted(
        {part for type_ in types for part in parts(type_)} | {Problem}, key=lambda one: one.__name__
    )
    told = {tell: get_type_hints(tell)["return"] for shape in SHAPES.values() for tell in shape.tells}
    made, schemas = schema_components([*named, *told.values()], ref_template=_REF)
    told_schemas = dict(zip(told, made[len(named) :], strict=True))
    asked = {name for type_ in named if issubclass(type_, Body) for name in _reached(schemas, type_.__name__)}
    for name, schema in schemas.items():
        _tidy(schema, answered=name not in asked)
    for type_ in SHAPES:
        if type_.__name__ in schemas:
            schemas[type_.__name__] = _shown(type_, schemas[type_.__name__], told_schemas)
    used = {name for type_ in named for name in _reached(schemas, type_.__name__)}
    return {name: schemas[name] for name in sorted(used)}


def parts(type_: Any) -> list[type]:
    """The classes an answer is made of: a record, the record of a list, or a record and what is beside it."""
    return list(get_args(type_)) if get_origin(type_) in (Listed, Beside) else [type_]


def answer_schema(gives: Any) -> Schema:
    """What an endpoint answers."""
    refs: list[Schema] = [{"$ref": _REF.format(name=part.__name__)} for part in parts(gives)]
    match get_origin(gives):
        case kind if kind is Beside:
            return {"allOf": refs}
        case kind if kind is Listed:
            return _list(refs[0])
        case _:
            return refs[0]


def parameters(query: type[Body]) -> list[Schema]:
    """The fields of a query as parameters, any enum written out."""
    _, schemas = schema_components([query], ref_template=_REF)
    own = schemas[query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in own.get("required", ()),
            "schema": _written_out(schema, schemas),
        }
        for name, schema in own["properties"].items()
    ]


def _shown(type_: type, stored: Schema, told: dict[Any, Schema]) -> Schema:
    """A record's schema with what it hides, calls otherwise and can tell."""
    shape = SHAPES[type_]
    called = dict(shape.renames)
    properties: Schema = {"object": {"const": NAMES[type_]}}
    for name, schema in stored["properties"].items():
        if name not in OURS | shape.hides:
            properties[called.get(name, name)] = schema
    for tell in shape.tells:
        properties[tell.__name__] = told[tell]
        _say_moment(tell.__name__, told[tell])
    about = {"description": shape.about} if shape.about else {}
    return stored | about | {"properties": properties, "required": sorted(properties)}


def _tidy(schema: Schema, *, answered: bool) -> None:
    """What msgspec leaves open: an enum of strings is of strings, and an answer always has all its fields."""
    if "description" in schema:
        schema["description"] = cleandoc(schema["description"])
    if "enum" in schema:
        schema["type"] = "string"
    if answered and "properties" in schema and schema["title"] != Problem.__name__:
        schema["required"] = sorted(schema["properties"])
        for name, field in schema["properties"].items():
            field.pop("default", None)
            _say_moment(name, field)


def _say_moment(name: str, field: Schema) -> None:
    """Every `_at` is a moment with its offset, which a Python datetime does not promise."""
    for one in (field, *field.get("anyOf", ())):
        if name.endswith("_at") and one.get("type") == "string":
            one["format"] = "date-time"


def _reached(schemas: Schema, name: str) -> set[str]:
    """The schema of that name and those it refers to, at any depth."""
    found, todo = set(), [name]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += _refs(schemas[one])
    return found


def _refs(schema: Any) -> list[str]:
    match schema:
        case {"$ref": str(ref)}:
            return [ref.rpartition("/")[2]]
        case dict():
            return [ref for value in schema.values() for ref in _refs(value)]
        case list():
            return [ref for value in schema for ref in _refs(value)]
        case _:
            return []


def _written_out(schema: Any, schemas: Schema) -> Any:
    """The schema with its references replaced by what they mean."""
    match schema:
        case {"$ref": str(ref), **rest}:
            _tidy(meant := schemas[ref.rpartition("/")[2]], answered=False)
            return {**meant, **rest}
        case dict():
            return {name: _written_out(value, schemas) for name, value in schema.items()}
        case list():
            return [_written_out(value, schemas) for value in schema]
        case _:
            return schema


def _list(item: Schema) -> Schema:
    properties: Schema = {
        "object": {"const": "list"},
        "data": {"type": "array", "items": item},
        "has_more": {"type": "boolean"},
        "next": {"type": ["string", "null"], "description": "Send it as `after` for the next page."},
    }
    return {"type": "object", "properties": properties, "required": sorted(properties)}
