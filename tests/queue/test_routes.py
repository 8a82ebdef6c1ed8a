"""The async routes with a queue behind them: a reply's shape does not tell who decides."""

import time

import pytest
from tests.api.stub import NOW, House
from tests.queue.line import QUIZ, Line

from laurels.api.app import create_app
from laurels.engine.intake import Intake
from laurels.engine.queue import LANES
from laurels.link import connect
from laurels.queue.lanes import RedisLanes
from laurels.queue.names import STREAMS

INGEST = "/api/v1/ingest/events"
WORLD = "demo/live"
EVENT = {"participant_id": "ann", "event_name": "quiz", "idempotency_key": "k"}


class Queued:
    """Accepts into the line on whichever event loop a request comes on."""

    def __init__(self, line: Line) -> None:
        self.line = line

    async def accept(self, events):
        link = connect(self.line.url)
        try:
            lanes = RedisLanes(link)
            intake = Intake(lanes, self.line.stage.store.queries, backlog_max=100)
            return await intake.accept(events)
        finally:
            await link.aclose()


@pytest.fixture
def house(line):
    line.stage.store.registry.put_rulebook(WORLD, QUIZ, 0)
    line.stage.clock.at = NOW
    house = House()
    house.edge.intake = Queued(line)
    house.app = create_app(house.edge)
    return house


def test_an_event_is_accepted_once_and_decided_later(house, line):
    first, again = house.post(INGEST, EVENT), house.post(INGEST, EVENT)
    other = house.post(INGEST, EVENT | {"properties": {"n": 1}})

    assert (first.status, first.json["duplicate"], first.json["warnings"]) == (202, False, [])
    assert (again.status, again.json["duplicate"]) == (200, True)
    assert again.json | {"duplicate": False} == first.json
    assert "idempotency-mismatch" not in again.headers
    assert (other.status, other.headers["idempotency-mismatch"]) == (200, "true")
    assert house.stub.commands == []
    line.drain()
    assert line.stage.balance("ann", world=WORLD) == 5
    assert house.post(INGEST, EVENT).json == again.json


def test_a_batch_is_answered_row_by_row(house, line):
    rows = [EVENT, EVENT, EVENT | {"idempotency_key": "2"}, {"event_name": 5}]

    reply = house.post(f"{INGEST}/batch", {"events": rows})

    assert reply.status == 202
    statuses = [row["status"] for row in reply.json["results"]]
    assert statuses == ["accepted", "duplicate", "accepted", "rejected"]
    line.drain()
    assert line.stage.balance("ann", world=WORLD) == 10


def test_a_sync_call_goes_straight_to_the_engine(house, line):
    assert house.post(f"{INGEST}/sync", EVENT).status == 200
    assert len(house.stub.commands) == 1
    assert line.left() == 0


@pytest.mark.parametrize(
    ("path", "body"), [(INGEST, EVENT), (f"{INGEST}/batch", {"events": [EVENT]})]
)
def test_too_much_is_told_with_when_to_come_back(house, line, path, body):
    an_hour_ago = int(time.time() * 1000) - 60 * 60 * 1000
    line.link.xadd(STREAMS[LANES - 1], {"e": b"old"}, id=f"{an_hour_ago}-0")

    reply = house.post(path, body)

    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["retry-after"]) >= 1
