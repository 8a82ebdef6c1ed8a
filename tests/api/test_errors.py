"""Every refusal has a status and a code in every API, and every body has its API's shape."""

import pytest
from tests.api.stub import House

from laurels.api.bricqs import errors as bricqs
from laurels.api.questkit import errors as questkit
from laurels.core import errors
from laurels.core.errors import Problem, Refusal

TABLES = {
    "bricqs": bricqs.ERRORS,
    "bricqs ingest": bricqs.INGEST_ERRORS,
    "questkit": questkit.ERRORS,
    "questkit events": questkit.EVENT_ERRORS,
}
WITH_ARGUMENTS = {
    errors.RateLimited: (12_001,),
    errors.ParticipantRateLimited: (12_001,),
    errors.InvalidBody: (Problem("a", "is required"), Problem("b", "is required")),
    errors.InvalidQuery: (Problem("page", "must be a number"),),
}


def refusals(kind=Refusal):
    yield kind
    for below in kind.__subclasses__():
        yield from refusals(below)


def made(kind):
    return kind(*WITH_ARGUMENTS.get(kind, ()))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_row_for_every_refusal_and_no_other(name):
    assert set(TABLES[name]) == set(refusals())


@pytest.mark.parametrize("name", TABLES)
def test_every_status_is_the_callers_or_says_when_to_come_back(name):
    for kind, (status, _) in TABLES[name].items():
        assert 400 <= status < 500 or (kind, status) == (errors.Unavailable, 503)


@pytest.mark.parametrize("kind", list(refusals()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("api", [bricqs.INGEST, bricqs.GAMIFY], ids=["ingest", "gamify"])
def test_bricqs_says_it_for_a_person_and_for_a_program(api, kind):
    house = House()
    house.stub.refusals = [made(kind)]
    path = f"{api.prefix}events" if api is bricqs.GAMIFY else f"{api.prefix}ingest/events"

    reply = house.call("POST", path, b'{"participant_id":"u","event_name":"x"}')

    table = bricqs.ERRORS if api is bricqs.GAMIFY else bricqs.INGEST_ERRORS
    assert (reply.status, reply.json["code"]) == table[kind]
    shown = ["detail", "code", "error", "errors"]
    if kind is errors.WouldOverdraw:
        shown += ["available", "required"]
    assert list(reply.json) == shown
    assert reply.json["detail"]
    assert reply.json["error"] == reply.json["code"].lower()
    assert all(set(fault) == {"path", "message"} for fault in reply.json["errors"])


@pytest.mark.parametrize("kind", list(refusals()), ids=lambda kind: kind.__name__)
def test_questkit_says_it_with_a_code(kind):
    house = House()
    house.stub.refusals = [made(kind)]

    reply = house.call(
        "POST",
        "/v1/events",
        b'{"userId":"usr_demo_123","name":"x","payload":{},"timestamp":1}',
        headers=house.token(),
    )

    assert (reply.status, reply.json["error"]) == questkit.EVENT_ERRORS[kind]
    assert set(reply.json) <= {"error", "message", "retryAfterMs"}


def test_a_wait_is_told_in_milliseconds_and_in_whole_seconds():
    for prepared in (errors.RateLimited(12_001), errors.Unavailable(retry_after_ms=12_001)):
        house = House()
        house.stub.refusals = [prepared]
        reply = house.call(
            "POST", "/api/v1/ingest/events", b'{"participant_id":"u","event_name":"x"}'
        )
        assert reply.headers["retry-after"] == "13"


def test_a_bug_of_ours_is_logged_and_told_in_the_apis_own_shape(caplog):
    house = House()
    house.clock.accept = None
    single = b'{"participant_id":"u","event_name":"x"}'

    bricqs_says = house.call("POST", "/api/v1/gamify/events", single)
    questkit_says = house.call(
        "POST",
        "/v1/events",
        b'{"userId":"usr_demo_123","name":"x","payload":{},"timestamp":1}',
        headers=house.token(),
    )

    assert (bricqs_says.status, bricqs_says.json["code"]) == (500, "internal_error")
    assert (questkit_says.status, questkit_says.json) == (500, {"error": "internal_error"})
    assert [record.message for record in caplog.records] == [
        "POST /api/v1/gamify/events failed",
        "POST /v1/events failed",
    ]


def test_a_flood_of_faults_is_not_told_in_full():
    house = House()
    events = b",".join([b"{}"] * 100)

    reply = house.call("POST", "/api/v1/gamify/events/batch", b'{"events":[' + events + b"]}")

    assert reply.status == 422
    assert len(reply.json["errors"]) == 20
