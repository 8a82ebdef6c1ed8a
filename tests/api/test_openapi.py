"""The document says what is served, no more and no less, and the page needs no network."""

import json
import re

import msgspec
import pytest
from openapi_spec_validator import validate
from tests.api.stub import ADMIN, House, filled, prepared

from laurels.api.exchange import HTML, JSON
from laurels.api.questkit.docs import TOKEN_SCHEMES

UNDOCUMENTED = {"/docs", "/openapi.json"}


@pytest.fixture(scope="module")
def document():
    return House(docs=True).call("GET", "/openapi.json", key=None).json


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
        assert prepared().call(method, filled(path), key=ADMIN).status not in (404, 405), path


def test_what_is_asked_for_is_what_is_documented(document):
    """Where a route wants a key or a token, none is 401; an open one never says so for that."""
    for (method, path), operation in operations(document).items():
        reply = House().call(method, filled(path), key=None)
        assert (reply.status == 401) == bool(operation["security"]), path


def test_what_is_for_admins_is_for_nobody_else(document):
    for (method, path), operation in operations(document).items():
        refusal = operation["responses"].get("403", {"description": ""})
        reply = prepared().call(method, filled(path), b"{}")
        assert (reply.status == 403) == ("scope `admin`" in refusal["description"]), path


def test_names_are_given_once(document):
    ids = [operation["operationId"] for operation in operations(document).values()]

    assert len(ids) == len(set(ids))


def test_examples_are_taken_by_the_routes_themselves_and_answered_as_documented():
    # These two want what no document may hold: an app's secret, and a signature of today.
    elsewhere = ("/v1/auth/token", "/v1/webhook/incoming")
    routes = [route for route in House().app.routes if route.path not in elsewhere]
    for route in routes:
        house, operation = prepared(demo_accounts=True), route.operation
        house.stub.prepare("demo_123")
        body = b"" if operation.request is None else json.dumps(operation.example).encode()
        user = "usr_demo_123" if route.operation.request else "demo_123"
        bearer = house.token(user, kind="demo") if operation.security == TOKEN_SCHEMES else ()
        path = filled(route.path)
        reply = house.call(route.method, path, body, headers=bearer, key=ADMIN)
        assert reply.status in (200, 201, 202, 204), (path, reply.body)
        says = operation.replies[reply.status]
        if says.media != JSON.decode():
            assert reply.headers["content-type"] == says.media
            continue
        if reply.status == 204:
            assert (says.type, reply.body) == (None, b"")
            continue
        assert msgspec.json.decode(reply.body, type=says.type)
        fields = [field.encode_name for field in msgspec.structs.fields(says.type)]
        assert list(reply.json) == [name for name in fields if name in reply.json], path


def test_examples_of_replies_have_the_shape_that_is_documented():
    for route in House().app.routes:
        for says in route.operation.replies.values():
            if says.example is not None:
                example = json.dumps(says.example).encode()
                assert msgspec.json.decode(example, type=says.type), route.path
                fields = msgspec.structs.fields(says.type)
                assert says.example.keys() <= {field.encode_name for field in fields}, route.path


def test_unknown_fields_are_not_forbidden_by_the_document(document):
    for schema in document["components"]["schemas"].values():
        assert schema.get("additionalProperties") is not False


def test_the_page_is_whole_without_a_network():
    reply = House(docs=True).call("GET", "/docs", key=None)

    assert reply.headers["content-type"] == HTML.decode()
    assert not re.search(rb"https?://|//cdn|@import|<script src|<link rel=.stylesheet", reply.body)
    assert b'fetch("openapi.json")' in reply.body
