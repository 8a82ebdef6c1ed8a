"""The document says what is served, no more and no less, and the page needs no network."""

import json
import re

import pytest
from openapi_spec_validator import validate
from tests.api.stub import House

from laurels.api.exchange import HTML

UNDOCUMENTED = {"/docs", "/openapi.json"}
SAMPLES = {"{participant_id}": "u"}


@pytest.fixture(scope="module")
def document():
    return House().call("GET", "/openapi.json", key=None).json


def operations(document):
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_valid(document):
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_route_is_in_the_document_and_the_other_way_round(document):
    served = {(route.method, route.path) for route in House().app.routes}

    assert set(operations(document)) == served


def test_every_documented_path_is_really_served(document):
    for method, path in operations(document):
        for template, sample in SAMPLES.items():
            path = path.replace(template, sample)  # noqa: PLW2901 - one path, filled in
        assert House().call(method, path).status not in (404, 405), path


def test_what_is_asked_for_is_what_is_documented(document):
    """Where a route wants a key or a token, none is 401; an open one never says so for that."""
    for (method, path), operation in operations(document).items():
        reply = House().call(method, path.replace("{participant_id}", "u"), key=None)
        assert (reply.status == 401) == bool(operation["security"]), path


def test_names_are_given_once(document):
    ids = [operation["operationId"] for operation in operations(document).values()]

    assert len(ids) == len(set(ids))


def test_examples_are_taken_by_the_routes_themselves(document):
    for (method, path), operation in operations(document).items():
        if "requestBody" not in operation or path == "/v1/auth/token":
            continue
        example = operation["requestBody"]["content"]["application/json"]["example"]
        house = House()
        bearer = house.token() if path == "/v1/events" else ()
        reply = house.call(method, path, json.dumps(example).encode(), headers=bearer)
        assert reply.status in (200, 202), reply.body


def test_unknown_fields_are_not_forbidden_by_the_document(document):
    for schema in document["components"]["schemas"].values():
        assert schema.get("additionalProperties") is not False


def test_the_page_is_whole_without_a_network():
    reply = House().call("GET", "/docs", key=None)

    assert reply.headers["content-type"] == HTML.decode()
    assert not re.search(rb"https?://|//cdn|@import|<script src|<link rel=.stylesheet", reply.body)
    assert b'fetch("openapi.json")' in reply.body
