"""One PostgreSQL, several processes: whose secrets hold, and who may touch the schema."""

import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import urllib3
from tests.servers import RedisServer
from tests.serving import Running, environment, laurels, program

RUNNING = (Path(__file__).parents[2] / "docs" / "operating" / "running.md").read_text("utf-8")
KEY = "bq_live_admin_" + "0a" * 16
SOON_S = 10
GIVEN = {
    "LAURELS_JWT_SECRET": "j" * 32,
    "LAURELS_BOOTSTRAP_APP_SECRET": "s" * 32,
    "LAURELS_BOOTSTRAP_API_KEY": KEY,
}
EVENT = b'{"participant_id": "ada", "event_name": "commit_landed"}\n'
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


def folders(tmp_path: Path) -> Iterator[Path]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        yield tmp_path / name


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(TABLES).fetchall()[0]
        return count


def make_old(url: str) -> None:
    """Make the newest migration one that is still to be run, as far as anybody can tell."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "DELETE FROM schema_migrations"
            " WHERE number = (SELECT max(number) FROM schema_migrations)"
        )


# Secrets.


def test_a_second_server_makes_up_no_secrets_of_its_own(postgres_url, tmp_path):
    one, other = folders(tmp_path)
    serve = ("serve", "--port", 0, "--store", postgres_url)
    with Running(*serve, cwd=one) as first:
        kept = first.secrets()
        refused = laurels(*serve, cwd=other)
        body = {"appId": "demo", "appSecret": kept["LAURELS_BOOTSTRAP_APP_SECRET"], "userId": "u"}
        token = urllib3.request("POST", first.url + "/v1/auth/token", json=body)
        with Running(*serve, cwd=other, env=environment(**kept)) as second:
            bearer = {"Authorization": f"Bearer {token.json()['token']}"}
            seen = urllib3.request("GET", second.url + "/v1/missions", headers=bearer)
            assert second.stop() == 0
    keys = laurels("keys", "list", "--store", postgres_url, cwd=one).stdout.splitlines()

    assert refused.returncode == 1
    for name in GIVEN:
        assert name in refused.stderr
    assert "saved its secrets in laurels.secrets" in refused.stderr
    assert not list(other.iterdir())
    assert (token.status, seen.status, len(keys)) == (200, 200, 1)


@pytest.mark.parametrize("missing", GIVEN)
def test_a_server_is_told_which_secret_it_lacks(postgres_url, tmp_path, missing):
    one, other = folders(tmp_path)
    serve = ("serve", "--port", 0, "--store", postgres_url)
    with Running(*serve, cwd=one, env=environment(**GIVEN)) as first:
        assert first.stop() == 0
    some = {name: text for name, text in GIVEN.items() if name != missing}
    refused = laurels(*serve, cwd=other, env=environment(**some))

    assert refused.returncode == 1
    assert [name for name in GIVEN if name in refused.stderr] == [missing]


def test_of_two_first_starts_one_makes_the_secrets(postgres_url, tmp_path):
    serve = [*program(), "serve", "--port", "0", "--store", postgres_url]
    starting = [
        subprocess.Popen(
            serve,
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders(tmp_path)
    ]

    def first_line(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline()

    with ThreadPoolExecutor() as pool:
        said = list(pool.map(first_line, starting))
    for process in starting:
        process.terminate()
        process.communicate(timeout=15)

    assert sorted(bool(line) for line in said) == [False, True]
    assert len(list(tmp_path.glob("*/laurels.secrets"))) == 1
    assert sorted(process.returncode for process in starting) == [0, 1]


def test_another_app_secret_that_is_given_is_the_new_one(postgres_url, tmp_path):
    serve = ("serve", "--port", 0, "--store", postgres_url)
    for secret in ("s" * 32, "t" * 32):
        env = environment(**GIVEN | {"LAURELS_BOOTSTRAP_APP_SECRET": secret})
        with Running(*serve, cwd=tmp_path, env=env) as running:
            body = {"appId": "demo", "appSecret": secret, "userId": "u"}
            assert urllib3.request("POST", running.url + "/v1/auth/token", json=body).status == 200


def test_a_demo_does_not_take_over_the_app_of_a_store_that_is_in_use(postgres_url, tmp_path):
    one, other = folders(tmp_path)
    with Running("serve", "--port", 0, "--store", postgres_url, cwd=one) as first:
        assert first.stop() == 0
    refused = laurels("demo", "--port", 0, "--store", postgres_url, cwd=other)

    assert refused.returncode == 1
    assert "LAURELS_JWT_SECRET" in refused.stderr


def test_the_page_tells_how_to_see_that_servers_have_different_jwt_secrets(postgres_url, tmp_path):
    (block,) = [
        block for block in re.findall(r"```sh\n(.*?)```", RUNNING, re.DOTALL) if "$OTHER" in block
    ]
    serve = ("serve", "--port", 0, "--store", postgres_url)
    said: list[str] = []
    with Running(*serve, cwd=tmp_path, env=environment(**GIVEN)) as one:
        for secret in (GIVEN["LAURELS_JWT_SECRET"], "k" * 32):
            env = environment(**GIVEN | {"LAURELS_JWT_SECRET": secret})
            with Running(*serve, cwd=tmp_path, env=env) as other:
                places = {"ONE": one.url, "OTHER": other.url}
                run = subprocess.run(
                    ["sh", "-c", block],
                    env=environment(**GIVEN, **places),
                    capture_output=True,
                    text=True,
                    timeout=30,
                    check=True,
                )
                said.append(run.stdout)

    assert said == ["200\n", "401\n"]


# The schema.


@pytest.mark.parametrize(
    "command", [("verify",), ("keys", "list"), ("tenants", "list"), ("tenants", "disable", "demo")]
)
def test_a_database_that_is_empty_is_no_store_and_stays_empty(
    empty_postgres_url, tmp_path, command
):
    run = laurels(*command, "--store", empty_postgres_url, cwd=tmp_path)

    assert run.returncode == 1
    assert run.stderr.startswith("Error: There is no store in postgresql://")
    assert tables(empty_postgres_url) == 0


@pytest.mark.parametrize("command", [("tenants", "create", "demo"), ("import", "-")])
def test_what_makes_a_store_does_so_where_there_is_none(empty_postgres_url, tmp_path, command):
    run = laurels(*command, "--store", empty_postgres_url, cwd=tmp_path, stdin=EVENT)
    again = laurels("verify", "--store", empty_postgres_url, cwd=tmp_path)

    assert run.returncode == 0, run.stderr
    assert again.stdout == "Clean: everything adds up.\n"


@pytest.mark.parametrize(
    "command", [("verify",), ("keys", "list"), ("tenants", "create", "acme"), ("import", "-")]
)
def test_an_older_schema_is_left_as_it_is(empty_postgres_url, tmp_path, command):
    where = ("--store", empty_postgres_url)
    assert laurels("migrate", *where, cwd=tmp_path).returncode == 0
    make_old(empty_postgres_url)
    run = laurels(*command, *where, cwd=tmp_path, stdin=EVENT)

    assert run.returncode == 1
    assert "run `laurels migrate`" in run.stderr


@pytest.mark.parametrize(
    "command", [("migrate",), ("import", "-"), ("tenants", "create", "demo"), ("demo",)]
)
def test_a_database_that_is_not_utf8_gets_no_schema(postgres_server, tmp_path, command):
    with postgres_server.database(encoding="SQL_ASCII") as url:
        run = laurels(*command, "--store", url, cwd=tmp_path, stdin=EVENT)

        assert run.returncode == 1
        assert "keeps this database as SQL_ASCII" in run.stderr
        assert tables(url) == 0


def test_a_worker_that_may_not_migrate_waits_for_who_may(empty_postgres_url, redis_url, tmp_path):
    where = ("--store", empty_postgres_url)
    waiting = subprocess.Popen(
        [*program(), "work", *where, "--queue", redis_url],
        cwd=tmp_path,
        env=environment(LAURELS_MIGRATE="off"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr
    assert waiting.stdout
    told = waiting.stderr.readline()
    assert laurels("tenants", "create", "demo", *where, cwd=tmp_path).returncode == 0
    ready = waiting.stdout.readline()
    waiting.terminate()
    waiting.communicate(timeout=15)

    assert told.startswith("Waiting: ")
    assert "laurels migrate" in told
    assert ready.startswith("Laurels is working on ")
    assert waiting.returncode == 0


# What they share.


def test_whoever_watches_sees_whether_limits_hold_over_all(postgres_url, tmp_path):
    with RedisServer() as server:
        places = ("--store", postgres_url, "--queue", server.url)
        with Running("serve", "--port", 0, *places, cwd=tmp_path) as running:

            def shared() -> bool:
                # The limit of a participant's own writes is always on.
                event = {"participant_id": "ada", "event_name": "commit_landed"}
                assert "code" not in running.post("/api/v1/gamify/events", event)
                page = urllib3.request("GET", running.url + "/metrics").data.decode()
                return "laurels_limits_shared 1.0" in page.splitlines()

            assert shared()
            server.kill()
            until = time.monotonic() + SOON_S  # The page is kept for a moment.
            while shared() and time.monotonic() < until:
                time.sleep(0.1)
            assert not shared()
