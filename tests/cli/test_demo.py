"""`laurels demo` from the outside: a history in, a served result out."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RULEBOOK
from tests.serving import Running, environment, laurels

from laurels.cli.demo.tally import Tally
from laurels.engine.rulebook_text import load_rulebook

HISTORY = RULEBOOK.with_name("history.jsonl")


def curl(line: str) -> Any:
    run = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=30, check=True
    )
    return json.loads(run.stdout)


def test_the_history_of_a_repository_is_played_and_served(repo):
    who = {"GIT_AUTHOR_NAME": 'It\'s "Ada" 🦄', "GIT_AUTHOR_DATE": "2026-03-01T09:30:00Z"}
    for number in range(4):
        repo.commit(f"fix: {number}", {"a": b"%d\n" % number}, **who)

    with Running("demo", cwd=repo.folder) as demo:
        curls = [line for line in demo.said if line.startswith("curl")]
        event, history, board, token = map(curl, curls)

        assert "4 events in" in demo.text
        assert "1 person earned 85 points and 2 badges" in demo.text
        assert event["results"]["points_granted"] == 15
        assert history["total"] == 5
        assert [(row["rank"], row["score"]) for row in board["entries"]] == [(1, 100)]
        assert token["token"]
        assert demo.stop(signal.SIGINT) == 0


def test_without_a_history_a_shipped_one_is_played(tmp_path):
    env = environment(GIT_CEILING_DIRECTORIES=str(tmp_path.parent), TMPDIR=str(tmp_path))
    folder = tmp_path / "here"
    folder.mkdir()

    with Running("demo", "--git", folder, cwd=folder, env=env) as demo:
        assert "Playing a small history that ships with Laurels." in demo.text
        assert "300 events in" in demo.text
        assert "Ada Quill" in demo.text
        assert demo.stop() == 0

    assert list(tmp_path.iterdir()) == [folder], "the temporary store is gone"


def test_two_demos_take_two_ports(repo):
    repo.commit("first")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Running("demo", "--port", port, cwd=repo.folder) as demo:
            assert int(demo.url.rpartition(":")[2]) > port


def test_a_store_that_is_named_is_kept_and_playing_again_changes_nothing(repo, tmp_path):
    repo.commit("feat: first")
    store = f"sqlite:{tmp_path}/kept.db"
    for expected in ("1 person earned 10 points", "1 of them were already known"):
        with Running("demo", "--port", 0, "--store", store, cwd=repo.folder) as demo:
            assert expected in demo.text
            assert demo.stop() == 0

    assert (tmp_path / "kept.db").exists()


def test_dates_that_cannot_be_are_counted(repo):
    repo.commit("first")
    repo.commit_raw("Ada <a@x> 99999999999999 +0000")

    with Running("demo", "--port", 0, cwd=repo.folder) as demo:
        assert "1 skipped: dated before 1900 or after 9998." in demo.text


def test_the_shipped_rulebook_is_sound_and_shows_what_there_is():
    book = load_rulebook(RULEBOOK.read_text("utf-8"))

    measures = {one.measure for challenge in book.challenges for one in challenge.objectives}
    windows = {challenge.window.kind for challenge in book.challenges}
    assert measures == {"count", "sum", "distinct", "max"}
    assert windows == {"daily", "weekly", "monthly", "lifetime"}


def test_the_shipped_history_has_a_key_for_every_line():
    events = [json.loads(line) for line in HISTORY.read_text("utf-8").splitlines()]

    assert len({event["idempotency_key"] for event in events}) == len(events) == 300
    assert all(re.search(r"[+-]\d\d:\d\d$", event["timestamp"]) for event in events)


def test_a_board_names_the_first_and_counts_the_others():
    tally = Tally()
    for number in range(12):
        tally.events[f"p{number}"] += 1
        tally.points[f"p{number}"] += number
    tally.badges["p11"] = list("abcdef")
    tally.tiers["p11"], tally.streaks["p11"] = "Oak", 7

    board = tally.board()

    first = ["1.", "p11", "11", "Oak", "7", "wk", "a,", "b,", "c,", "d", "and", "2", "more"]
    assert board[0].split() == first
    assert board[-1].strip() == "… and 2 more"


@pytest.mark.parametrize("option", [("--git", "/no/such/folder"), ("--port", "x")])
def test_wrong_usage_is_told(option, tmp_path: Path):
    run = laurels("demo", *option, cwd=tmp_path)

    assert run.returncode == 2
    assert "Traceback" not in run.stderr
