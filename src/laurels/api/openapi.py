"""The OpenAPI document, made from the types that the routes decode and encode."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from laurels.api.route import Operation, Parameter, Route, Says

Json = dict[str, Any]

SECURITY_SCHEMES: Final[Json] = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key that begins with `bq_live_` or `bq_test_`, for servers.",
    },
    "apiKeyBearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same key, as `Authorization: Bearer bq_…`.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of `POST /v1/auth/token`, for one person's browser or phone.",
    },
}

ABOUT: Final = (
    "Report what people did; hear what it earned them, exactly once. `/v1` is for browsers and "
    "phones that hold a token, `/api/v1` for servers that hold an API key. Every reply may be read "
    "by any page (`Access-Control-Allow-Origin: *`)."
)

_parameters_of: Final = re.compile(r"\{(\w+)\}").findall


def document(routes: Sequence[Route], version: str) -> Json:
    """Describe these routes, and nothing else."""
    types = _types(routes)
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    known = {repr(type_): schema for type_, schema in zip(types, schemas, strict=True)}
    paths: Json = {}
    for route in routes:
        described = _operation(route.operation, known)
        paths.setdefault(route.path, {})[route.method.lower()] = described
        named = [p.name for p in route.operation.parameters if p.place == "path"]
        assert _parameters_of(route.path) == named, route.path
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Laurels",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(r.operation.tag for r in routes)],
        "paths": paths,
        "components": {
            "schemas": {name: _open(schema) for name, schema in components.items()},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _types(routes: Sequence[Route]) -> list[Any]:
    types: list[Any] = []
    for route in routes:
        operation = route.operation
        types += [parameter.type for parameter in operation.parameters]
        types += [says.type for says in operation.replies.values()]
        types.append(operation.request)
    # Some are Annotated with dicts, which no set can hold.
    return list({repr(type_): type_ for type_ in types if type_ is not None}.values())


def _operation(operation: Operation, known: Json) -> Json:
    described: Json = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.about,
        "parameters": [_parameter(parameter, known) for parameter in operation.parameters],
        "responses": {
            str(status): _reply(status, says, known)
            for status, says in sorted(operation.replies.items())
        },
        "security": [{scheme: []} for scheme in operation.security],
    }
    if operation.request is not None:
        content = _content(known[repr(operation.request)], operation.example)
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameter(parameter: Parameter, known: Json) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.about,
        "schema": known[repr(parameter.type)],
    }


def _reply(status: int, says: Says, known: Json) -> Json:
    described: Json = {"description": says.about or HTTPStatus(status).phrase}
    if says.headers:
        described["headers"] = {
            name: {"description": about, "schema": {"type": "string"}}
            for name, about in says.headers.items()
        }
    if says.type is not None:
        described["content"] = _content(known[repr(says.type)], says.example, says.media)
    return described


def _content(schema: Json, example: Any, media: str = "application/json") -> Json:
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {media: content}


def _open(schema: Json) -> Json:
    # Our structs forbid unknown fields to notice them; callers may send them, and hear a warning.
    return {name: part for name, part in schema.items() if name != "additionalProperties"}
