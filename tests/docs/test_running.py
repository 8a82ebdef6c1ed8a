"""What docs/operating/running.md prints for the servers underneath is what we start on."""

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from tests.cast import a_stage
from tests.servers import PostgresServer, RedisServer

from laurels import wiring
from laurels.settings import Settings
from laurels.store.postgres.connections import CONNECTIONS_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "operating" / "running.md").read_text("utf-8")
NOW = 2_000_000_000_000
RULEBOOK = "earn: [{id: one, event: buy, points: 1}]"


@pytest.fixture
def printed_database(postgres_server: PostgresServer):
    """The database that the page makes, reached as the role that it makes."""
    (block,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    statements = [one for one in block.split(";") if one.strip()]
    url = urlsplit(postgres_server.url_of("laurels"))
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        try:
            yield urlunsplit(url._replace(netloc=f"laurels:change-me@{url.hostname}:{url.port}"))
        finally:
            connection.execute("DROP DATABASE laurels WITH (FORCE)")
            connection.execute("DROP ROLE laurels")


def test_the_printed_role_and_database_are_all_that_is_needed(printed_database):
    verdict = wiring.judge_servers(Settings(store=printed_database), NOW)
    verdict.check(accepts_loss=False)

    assert verdict.durability() == "strict"
    with a_stage(printed_database, RULEBOOK) as stage:
        stage.tell("buy")
        assert stage.balance() == 1
        assert stage.findings() == []


def test_the_printed_redis_is_one_that_we_start_on():
    (block,) = re.findall(r"```\n(appendonly .*?)```", PAGE, re.DOTALL)
    lines = [line.split() for line in block.splitlines()]
    with RedisServer(**{name.replace("-", "_"): text for name, text in lines}) as redis:
        verdict = wiring.judge_servers(Settings(queue=redis.url), NOW)
        verdict.check(accepts_loss=False)

    assert not verdict.warnings
    assert verdict.durability() == "buffered"


def test_the_number_of_connections_is_the_one_in_force():
    assert f"up to {CONNECTIONS_MAX} connections" in PAGE
    # Some of the hundred are kept for superusers, and for tools.
    assert f"enough for {95 // CONNECTIONS_MAX} of them" in PAGE
