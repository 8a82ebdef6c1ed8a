"""`laurels copy`: a house moves at once, or not at all, and is told what to carry by hand."""

import shutil
import signal
import subprocess
import time

import psycopg
import pytest
import urllib3
from click.testing import CliRunner
from tests.belongings import EVERYTHING, fill, rows_by_table
from tests.cast import a_stage
from tests.serving import Running, environment, laurels, program

from laurels.cli import main

PASSWORD = "hunter2 and more"
MANY = 12_000
SEEN_WITHIN_S = 30


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    path = tmp_path_factory.mktemp("full") / "laurels.db"
    with a_stage(path, EVERYTHING.read_text("utf-8")) as stage:
        fill(stage, ("ann", "bob", "cid", "a"))
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "laurels.db"
    with a_stage(path, "earn: [{id: one, event: buy, points: 1}]") as stage:
        for start in range(0, MANY, 500):
            people = [f"p{number % 3_000}" for number in range(start, start + 500)]
            stage.send(*(stage.event("buy", who, key=f"k{start}", n=start) for who in people))
    return path


def test_a_store_moves_and_comes_back(full, quick_postgres_url, tmp_path):
    shutil.copy(full, tmp_path)
    (tmp_path / "laurels.secrets").write_text(f"LAURELS_JWT_SECRET={32 * 's'}\n", "utf-8")
    before = rows_by_table(full)
    count = sum(map(len, before.values()))

    there = laurels("copy", "sqlite:laurels.db", quick_postgres_url, cwd=tmp_path)
    back = laurels("copy", quick_postgres_url, "sqlite:back.db", cwd=tmp_path)
    verified = laurels("verify", "--store", quick_postgres_url, cwd=tmp_path)

    assert (there.returncode, back.returncode, verified.returncode) == (0, 0, 0)
    assert there.stdout.startswith(f"Copied {count:,} rows of {len(before)} tables in ")
    assert f"keep {tmp_path / 'laurels.secrets'}, which is looked for" in there.stdout
    assert rows_by_table(quick_postgres_url) == rows_by_table(tmp_path / "back.db") == before


def test_a_server_on_the_copy_takes_the_tokens_of_the_old_one(quick_postgres_url, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with Running("serve", "--port", 0, "--rulebook", EVERYTHING, cwd=old) as server:
        token = mint(server)
        assert is_taken(server, token)
        sent = server.post("/api/v1/ingest/events", LOGIN)
        in_use = laurels("copy", "sqlite:old/laurels.db", quick_postgres_url, cwd=tmp_path)
    moved = laurels("copy", "sqlite:old/laurels.db", quick_postgres_url, cwd=tmp_path)

    assert in_use.returncode == 1
    assert f"is being written by a server at {server.url}; stop that first" in in_use.stderr
    assert moved.returncode == 0
    told = moved.stdout.splitlines()[-1]
    assert f"carry {old / 'laurels.secrets'} over" in told
    assert "laurels.secrets in the folder that a server is started in" in told

    (old / "laurels.secrets").rename(new / "laurels.secrets")
    with Running("serve", "--port", 0, "--store", quick_postgres_url, cwd=new) as server:
        assert is_taken(server, token)
        assert is_taken(server, mint(server))
        again = server.post("/api/v1/ingest/events", LOGIN)
        in_use = laurels("copy", quick_postgres_url, "sqlite:back.db", cwd=tmp_path)

    assert sent["event_id"] == again["event_id"]
    assert (sent["duplicate"], again["duplicate"]) == (False, True)
    assert in_use.returncode == 1
    assert "in use by other processes of Laurels" in in_use.stderr


LOGIN = {"participant_id": "ann", "event_name": "login", "idempotency_key": "k"}


def mint(server):
    secrets = server.secrets()
    secret = secrets["LAURELS_BOOTSTRAP_APP_SECRET"]
    body = {"appId": "demo", "appSecret": secret, "userId": "ann"}
    return urllib3.request("POST", server.url + "/v1/auth/token", json=body).json()["token"]


def is_taken(server, token):
    headers = {"Authorization": f"Bearer {token}"}
    return urllib3.request("GET", server.url + "/v1/balance", headers=headers).status == 200


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("laurels.db", "sqlite:b.db", "'laurels.db' names no store; write sqlite:laurels.db"),
        ("mysql://u:{}@h/d", "sqlite:b.db", "is no kind of store"),
        ("sqlite:laurels.db", "postgresql://u:{}@h/a/b/c", "must be a store such as"),
        ("sqlite:laurels.db", "postgresql://u:{}@127.0.0.1:9/d", "cannot be used"),
        ("postgresql://u:{}@127.0.0.1:9/d", "sqlite:b.db", "cannot be used"),
        ("sqlite:nowhere.db", "sqlite:b.db", "There is no store at nowhere.db"),
        ("sqlite:laurels.db", "sqlite:laurels.db", "are the same store"),
        ("sqlite:laurels.db", "sqlite:./laurels.db", "are the same store"),
        ("sqlite:laurels.db", "sqlite:new/b.db", "unable to open database file"),
        ("sqlite:laurels.db", "sqlite:.", "unable to open database file"),
        ("sqlite:laurels.db", "sqlite:", "needs the path of a file"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(source, target, words, tmp_path, monkeypatch):
    with a_stage(tmp_path):
        pass
    monkeypatch.chdir(tmp_path)
    spelt = PASSWORD.replace(" ", "%20")
    run = CliRunner().invoke(main, ["copy", source.format(spelt), target.format(spelt)])

    assert run.exit_code == (2 if target.endswith("/c") else 1)
    assert words in " ".join(run.output.split())
    assert "Error: " in run.output
    assert "hunter2" not in run.output
    assert not (tmp_path / "b.db").exists()


def test_one_place_is_wrong_usage(tmp_path):
    assert laurels("copy", "sqlite:laurels.db", cwd=tmp_path).returncode == 2


def start(source, target, cwd):
    return subprocess.Popen(
        [*program(), "copy", source, target],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(seen, process):
    until = time.monotonic() + SEEN_WITHIN_S
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_copy_to_a_database_that_ends_half_way_has_not_happened(
    number, large, quick_postgres_url, tmp_path
):
    source = f"sqlite:{large}"
    with psycopg.connect(quick_postgres_url, autocommit=True) as hand:
        process = start(source, quick_postgres_url, tmp_path)
        begun = "SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 2000"
        wait_until(lambda: hand.execute(begun).fetchone(), process)
        process.send_signal(number)
        process.communicate(timeout=20)

    is_all_or_nothing(large, quick_postgres_url, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_copy_to_a_file_that_ends_half_way_has_not_happened(number, large, tmp_path):
    source, target = f"sqlite:{large}", tmp_path / "b.db"
    lock = tmp_path / "b.db.lock"
    process = start(source, f"sqlite:{target}", tmp_path)
    wait_until(lambda: lock.exists() and "a copy" in lock.read_text("utf-8"), process)
    time.sleep(0.1)  # It is at work: that takes about a second.
    process.send_signal(number)
    process.communicate(timeout=20)

    is_all_or_nothing(large, target, tmp_path)


def is_all_or_nothing(large, place, cwd):
    """Whatever was left, to copy again ends well: with a whole store, or because there is one."""
    whole, left = rows_by_table(large), rows_by_table(place)
    if any(left.values()):  # A slow machine was quicker than we.
        assert left == whole
    target = place if isinstance(place, str) else f"sqlite:{place}"
    again = laurels("copy", f"sqlite:{large}", target, cwd=cwd)
    assert again.returncode == any(left.values())
    assert rows_by_table(place) == whole


def test_two_copies_to_one_place_are_one(large, full, quick_postgres_url, tmp_path):
    one = start(f"sqlite:{large}", quick_postgres_url, tmp_path)
    two = start(f"sqlite:{full}", quick_postgres_url, tmp_path)
    said = [process.communicate(timeout=60)[1] for process in (one, two)]

    assert sorted((one.returncode, two.returncode)) == [0, 1]
    won = large if one.returncode == 0 else full
    assert rows_by_table(quick_postgres_url) == rows_by_table(won)
    assert any("is not empty" in text or "is being written" in text for text in said)
