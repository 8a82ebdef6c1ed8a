"""Whatever is sent, every store comes to the same verdict, byte for byte, and keeps the same."""

import asyncio
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.cast import NOON, SteadyClock, other_hand
from tests.contract.hostile import Ask, asks, largest, many_events
from tests.house import a_house

EVERYTHING = Path(__file__).parents[1] / "examples" / "everything.yaml"
STEP_MS = 1_000
KEPT = {
    "events": "tenant, id",
    "journal": "tenant, number",
    "participants": "tenant, id",
    "postings": "tenant, number, position",
    "receipts": "tenant, participant, operation, key",
    "windows": 'tenant, participant, challenge, "window"',
    "standings": 'tenant, board, "window", participant',
    "claims": "tenant, participant, id",
    "codes": "tenant, reward, number",
    "inbox": "tenant, source, id",
    "analytics_batches": "tenant, number, name, hour",
}


class Asked:
    """A house that answers one request after the other, at moments that are the same for all."""

    def __init__(self, house, clock):
        self.house = house
        self.clock = clock
        self.token = b""

    async def ask(self, ask: Ask):
        self.clock.move(by=STEP_MS)
        if ask.path.startswith("/v1/"):
            credential = (b"authorization", b"Bearer " + await self.minted(ask.path))
        else:
            credential = (b"x-api-key", self.house.live_key.encode())
        headers = [credential, (b"content-length", b"%d" % len(ask.body))]
        headers += [(name.lower().encode(), text.encode()) for name, text in ask.headers]
        return await self.call(ask.method, ask.path, ask.body, headers)

    async def minted(self, path: str) -> bytes:
        """A token of whom the examples of that route are about."""
        who = "usr_demo_123" if path.startswith("/v1/events") else "user_123"
        secret = {"appId": self.house.app_id, "appSecret": self.house.app_secret}
        body = json.dumps({**secret, "userId": who}).encode()
        head = [(b"content-length", b"%d" % len(body))]
        status, reply = await self.call("POST", "/v1/auth/token", body, head)
        assert status == 200, reply
        return json.loads(reply)["token"].encode()

    async def call(self, method, path, body, headers):
        raw, _, query = path.partition("?")
        parts, sent = [{"type": "http.request", "body": body, "more_body": False}], []

        async def receive():
            return parts.pop() if parts else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("10.0.0.1", 4711),
        }
        async with asyncio.timeout(10):
            await self.house.server.app(scope, receive, send)
        return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:])


@pytest.fixture
def houses(tmp_path, quick_postgres_url, monkeypatch):
    """Two houses, alike but for their store, that agree about the time."""
    with ExitStack() as stack:
        asked = []
        for place in (tmp_path, quick_postgres_url):
            clock = SteadyClock()
            for module in ("serving", "stores"):
                monkeypatch.setattr(f"laurels.wiring.{module}.SystemClock", lambda c=clock: c)
            house = stack.enter_context(
                a_house(
                    place,
                    rulebook=str(EVERYTHING),
                    rate_limit_key=0,
                    rate_limit_tenant=0,
                    rate_limit_address=0,
                )
            )
            house.store.registry.put_codes("demo/live", "coffee", ["C-1", "C-2", "\\N\t"], NOON)
            asked.append(Asked(house, clock))
        yield asked


def requests(asked: Asked):
    yield from beforehand()
    for route in asked.house.server.app.routes:
        if not route.path.endswith(UNLIKE):
            yield from asks(route)
    yield Ask("POST", "/api/v1/ingest/events/batch", many_events())
    yield from largest()


UNLIKE = ("/health", "/metrics", "/auth/token", "/updates")
"""What tells of the process, makes a secret anew, or never ends."""


def beforehand():
    """Let the participant of the examples have something of everything."""
    who = {"participant_id": "user_123"}
    for path, body in (
        ("/api/v1/gamify/points/award", {**who, "amount": 50_000}),
        ("/api/v1/gamify/points/award", {**who, "amount": 900, "currency": "gem"}),
        ("/api/v1/gamify/streaks/freeze", {**who, "streak_code": "daily_login", "action": "grant"}),
        *(
            ("/api/v1/gamify/events", {**who, "event_name": name, "properties": {"score": 7}})
            for name in ("quiz_completed", "quiz_completed", "login", "lesson_completed")
        ),
    ):
        yield Ask("POST", path, json.dumps(body).encode())


async def told(asked: Asked, all_of_it):
    asked.house.server.gather.start()
    try:
        return [await asked.ask(ask) for ask in all_of_it]
    finally:
        await asked.house.server.gather.close()


def kept(place):
    with other_hand(place) as hand:
        return {
            table: [
                tuple(each.hex() if isinstance(each, bytes | memoryview) else each for each in row)
                for row in hand.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            ]
            for table, order in KEPT.items()
        }


def test_every_verdict_is_the_same_on_every_store(houses, tmp_path, quick_postgres_url):
    all_of_it = list(requests(houses[0]))

    ours, theirs = (asyncio.run(told(asked, all_of_it)) for asked in houses)

    for ask, one, other in zip(all_of_it, ours, theirs, strict=True):
        assert one == other, (ask.method, ask.path[:300], ask.body[:300])
        assert one[0] < 500, (ask.method, ask.path[:300], ask.body[:300], one)
    statuses = Counter(status for status, _ in ours)
    assert statuses[200] + statuses[201] + statuses[202] > len(all_of_it) // 5, statuses
    assert len(all_of_it) > 1_000
    mine, yours = kept(tmp_path / "laurels.db"), kept(quick_postgres_url)
    for table in KEPT:
        assert mine[table] == yours[table], table
    assert len(mine["journal"]) > 200
    assert [list(asked.house.store.verify()) for asked in houses] == [[], []]
