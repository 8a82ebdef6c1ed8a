"""`laurels codes`: codes reach a pool in their order, each once, beside a server or without one."""

import sqlite3
from contextlib import closing

import click
import pytest
from tests.serving import Running, laurels

from laurels import wiring
from laurels.api.bricqs.rewards import NO_CODES
from laurels.cli import main

RULEBOOK = """
rewards:
  - {id: coffee, codes: true, per_participant: unlimited}
  - {id: mug}
"""
UPLOAD = ("codes", "upload", "--tenant", "demo")


@pytest.fixture
def cafe(tmp_path):
    """A folder with a store whose rulebook has a reward with codes, and one without."""
    with closing(wiring.open_store(f"sqlite:{tmp_path / 'laurels.db'}")) as store:
        store.registry.create_tenant("demo", 0)
        wiring.apply_rulebook(store.registry, "demo", wiring.WORLDS, RULEBOOK, 0)
    return tmp_path


def stored(folder) -> list[tuple[str, int, str]]:
    with closing(sqlite3.connect(folder / "laurels.db")) as database:
        return database.execute(
            "SELECT tenant, number, code FROM codes ORDER BY tenant, number"
        ).fetchall()


def test_codes_are_added_in_their_order_and_known_ones_are_left_out(cafe):
    (cafe / "first.txt").write_bytes(b"\xef\xbb\xbfB-1\r\n\n  A-2 \nB-1\nC-3")

    first = laurels(*UPLOAD, "coffee", "first.txt", cwd=cafe)
    again = laurels(*UPLOAD, "coffee", "-", cwd=cafe, stdin=b"A-2\nD-4\n")
    other = laurels(*UPLOAD, "--env", "test", "coffee", "-", cwd=cafe, stdin=b"A-2\n")

    assert first.stdout == "3 added, 1 already known; coffee has 3.\n"
    assert again.stdout == "1 added, 1 already known; coffee has 4.\n"
    assert other.stdout == "1 added, 0 already known; coffee has 1.\n"
    assert stored(cafe) == [
        ("demo/live", 1, "B-1"),
        ("demo/live", 2, "A-2"),
        ("demo/live", 3, "C-3"),
        ("demo/live", 4, "D-4"),
        ("demo/test", 1, "A-2"),
    ]


@pytest.mark.parametrize(
    ("arguments", "codes", "told"),
    [
        (["tea"], b"A-1\n", "The rulebook of demo/live has no reward 'tea'."),
        (["mug"], b"A-1\n", NO_CODES),
        (["coffee", "--tenant", "nobody"], b"A-1\n", "There is no tenant 'nobody'"),
        (["coffee"], b"A-1\n" + b"x" * 256, "codes.txt:2: is longer than 255 characters"),
        (["coffee"], b"A-1\n\xff\n", "codes.txt:2: is not UTF-8"),
        (["coffee"], b"A-1\nB\0-2\n", "codes.txt:2: contains U+0000"),
        (["coffee"], b"\xff\n" * 30, "codes.txt:20: is not UTF-8\nand 10 more"),
    ],
)
def test_what_cannot_be_added_is_named_and_nothing_is_added(cafe, arguments, codes, told):
    (cafe / "codes.txt").write_bytes(codes)
    store = f"sqlite:{cafe / 'laurels.db'}"

    with pytest.raises(click.ClickException) as refusal:
        main(
            [*UPLOAD, "--store", store, *arguments, str(cafe / "codes.txt")], standalone_mode=False
        )
    assert told in refusal.value.message
    assert stored(cafe) == []


def test_codes_that_are_added_beside_a_server_can_be_claimed_at_once(tmp_path):
    (tmp_path / "cafe.yaml").write_text(RULEBOOK)
    claim = "/api/v1/gamify/rewards/coffee/claim"
    with Running("serve", "--port", 0, "--rulebook", "cafe.yaml", cwd=tmp_path) as server:
        assert server.post(claim, {"participant_id": "ada"})["error"] == "out_of_stock"
        assert laurels(*UPLOAD, "coffee", "-", cwd=tmp_path, stdin=b"A-1\n").returncode == 0

        assert server.post(claim, {"participant_id": "ada"})["code_value"] == "A-1"
        assert server.post(claim, {"participant_id": "bob"})["error"] == "out_of_stock"
