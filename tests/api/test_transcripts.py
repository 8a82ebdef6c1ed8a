"""Every transcript comes true, on the engine that we ship."""

import json
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.api import transcript
from tests.house import a_house

from laurels import wiring
from laurels.engine.registry import ApiKey

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.rglob("*.http"))
ROOT = Path(__file__).parents[2]
RULEBOOKS = {
    "everything": ROOT / "tests" / "examples" / "everything.yaml",
    "shop": ROOT / "examples" / "shop.yaml",
}
"""Of the transcripts in the folder of that name; the others go by the house's own."""
DAY_MS = 24 * 60 * 60 * 1000
PLAIN_KEY = "bq_live_" + "2" * 32
"""Of no admin."""


@pytest.fixture
def house(place):
    with a_house(place) as house:
        yield house


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_transcript_comes_true(house, file):
    registry = house.store.registry
    put_plain_key(registry)
    if rulebook := RULEBOOKS.get(file.parent.name):
        text = rulebook.read_text("utf-8")
        wiring.apply_rulebook(registry, "demo", wiring.WORLDS, text, 1)
    names = transcript.Names(
        live_key=house.live_key,
        plain_key=PLAIN_KEY,
        test_key=house.test_key,
        app_id=house.app_id,
        app_secret=house.app_secret,
        **moments(),
    )
    with TestClient(house.app) as client:
        for exchange in transcript.read(file):
            for _ in range(exchange.times):
                play(client, exchange, names, f"{file.name}:{exchange.line}")


def put_plain_key(registry):
    plain = ApiKey(id="key_plain", tenant="demo/live", scopes=frozenset({"participant"}))
    registry.put_key(plain, digest=wiring.digest(PLAIN_KEY), hint="bq_live_2222", at=0)


def moments():
    """Return when it is played, and a day before, as a client would say it."""
    now = time.time_ns() // 1_000_000
    return {"now": str(now), "yesterday": str(now - DAY_MS)}


def play(client, exchange, names, where):
    reply = client.request(
        exchange.method,
        names.fill(exchange.path),
        headers=[(name, names.fill(text)) for name, text in exchange.headers],
        content=names.fill(exchange.body).encode(),
    )

    assert reply.status_code == exchange.status, f"{where}: {reply.text}"
    for name, text in exchange.reply_headers:
        found = reply.headers.get(name)
        if text == "{{absent}}":
            assert found is None, f"{where}: {name}: {found}"
        else:
            assert names.fits(text, found), f"{where}: {name}: {found}"
    expected = transcript.expected_value(exchange.reply)
    assert names.fits(expected, transcript.value(reply.text)), f"{where}:\n{reply.text}"


def test_a_fit_is_exact():
    names = transcript.Names(key="k1")

    assert names.fits({"a": "evt_{{first:ulid}}"}, {"a": "evt_01HQK7N5ABCDEFGHJKMNPQ0000"})
    assert names.fits(["{{first}}"], ["01HQK7N5ABCDEFGHJKMNPQ0000"])
    assert not names.fits(["{{first}}"], ["01HQK7N5ABCDEFGHJKMNPQ0001"])
    assert not names.fits({"a": "x", "b": "y"}, {"b": "y", "a": "x"})
    assert not names.fits({"a": "x"}, {"a": "x", "b": "y"})
    assert not names.fits([], [None])
    assert not names.fits([True], ["1"])
    for one, other in (("1", '"1"'), ("1", "1.0"), ("true", "1"), ("null", "{}")):
        assert not names.fits(transcript.expected_value(one), transcript.value(other))
        assert not names.fits(transcript.expected_value(other), transcript.value(one))
    assert names.fits(transcript.expected_value("[{{number}}]"), transcript.value("[17]"))
    assert not names.fits(transcript.expected_value("[{{number}}]"), transcript.value('["17"]'))


def test_transcripts_are_read_whole():
    assert FILES
    for file in FILES:
        text = transcript.without_comments(file.read_text("utf-8"))
        assert len(transcript.read(file)) == len(transcript.STATUS.findall(text)), file
        for exchange in transcript.read(file):
            if exchange.reply:
                json.dumps(transcript.expected_value(exchange.reply))
