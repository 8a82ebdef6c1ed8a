"""The guards at start: one test for each, on a real server that is set up so."""

import pytest
from redis.exceptions import BusyLoadingError
from tests.servers import PostgresServer, RedisServer

from laurels.engine.durability import (
    RELEASED_AT,
    StartRefused,
    Verdict,
    judge,
    of_postgres,
    of_redis,
)
from laurels.link import FAILURES
from laurels.notify import redis_settings
from laurels.store.postgres import settings as postgres_settings

NOW = RELEASED_AT + 1


def refused(verdict: Verdict, *, accepts_loss: bool = False) -> str:
    with pytest.raises(StartRefused) as refusal:
        verdict.check(accepts_loss=accepts_loss)
    return refusal.value.message


def check_can_be_accepted(verdict: Verdict, *told: str) -> None:
    """It is refused with sentences that end in what to do, or starts as durable as nothing."""
    message = refused(verdict)
    assert all(words in message for words in told)
    assert message.endswith("start with --accept-data-loss (LAURELS_ACCEPT_DATA_LOSS=1).")
    verdict.check(accepts_loss=True)
    assert verdict.durability() == "none"


def test_servers_as_they_should_be_are_strict(postgres_url):
    with RedisServer(appendfsync="always") as redis:
        verdict = judge(NOW, postgres_settings.ask(postgres_url), redis_settings.ask(redis.url))

    assert verdict == Verdict()
    verdict.check(accepts_loss=False)
    assert verdict.durability() == "strict"


def test_a_clock_from_before_this_version_is_refused():
    verdict = judge(RELEASED_AT - 1)

    assert "The clock of this machine says 2026-10-25" in refused(verdict)
    assert refused(verdict, accepts_loss=True) == refused(verdict)


# PostgreSQL


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_postgresql_that_a_power_cut_destroys_is_refused(setting):
    with PostgresServer({setting: "off"}) as server:
        asked = postgres_settings.ask(server.url)

    place = f"The PostgreSQL at 127.0.0.1:{server.port}/postgres"
    check_can_be_accepted(judge(NOW, asked), f"{place} has {setting} = off", "set it to on")


@pytest.mark.parametrize(
    ("level", "durability"), [("off", "buffered"), ("local", "strict"), ("remote_apply", "strict")]
)
def test_a_postgresql_that_answers_before_it_has_written_is_buffered(level, durability):
    with PostgresServer({"synchronous_commit": level}) as server:
        verdict = judge(NOW, postgres_settings.ask(server.url))

    verdict.check(accepts_loss=False)
    assert verdict.durability() == durability
    assert bool(verdict.warnings) == (durability == "buffered")


def test_a_level_that_the_store_sets_for_itself_counts():
    with PostgresServer({"synchronous_commit": "off"}) as server:
        asked = postgres_settings.ask(f"{server.url}?options=-csynchronous_commit%3Don")

    assert judge(NOW, asked).durability() == "strict"


def test_a_database_that_is_not_utf8_is_refused(postgres_server):
    with postgres_server.database(encoding="SQL_ASCII") as url:
        verdict = judge(NOW, postgres_settings.ask(url))

    assert "keeps this database as SQL_ASCII" in refused(verdict, accepts_loss=True)


def test_a_standby_is_refused():
    with PostgresServer() as server:
        server.kill()
        (server.folder / "data" / "standby.signal").touch()
        server.restart()
        verdict = judge(NOW, postgres_settings.ask(server.url))

    assert "is a standby, which takes no writes" in refused(verdict, accepts_loss=True)


def test_an_old_postgresql_is_refused(postgres_url):
    old = postgres_settings.ask(postgres_url)._replace(version=140_011)

    assert "is version 14; 15 is the oldest" in refused(of_postgres(old), accepts_loss=True)
    assert of_postgres(old._replace(version=150_000)) == Verdict()


# Redis


def test_a_redis_that_keeps_nothing_is_refused():
    with RedisServer(appendonly="no") as server:
        verdict = judge(NOW, None, redis_settings.ask(server.url))

    place = f"The Redis at 127.0.0.1:{server.port}"
    check_can_be_accepted(verdict, f"{place} has appendonly = no", "set it to yes")


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_may_drop_what_waits_is_refused(policy):
    with RedisServer(maxmemory_policy=policy) as server:
        verdict = judge(NOW, None, redis_settings.ask(server.url))

    check_can_be_accepted(verdict, f"has maxmemory-policy = {policy}", "set it to noeviction")


def test_a_redis_that_writes_to_its_file_every_second_is_buffered(redis_server):
    verdict = judge(NOW, None, redis_settings.ask(redis_server.url))

    verdict.check(accepts_loss=False)
    assert (verdict.durability(), verdict.warnings) == ("buffered", ())


def test_a_redis_that_leaves_writing_to_the_system_is_refused():
    with RedisServer(appendfsync="no") as server:
        verdict = judge(NOW, None, redis_settings.ask(server.url))

    check_can_be_accepted(verdict, "has appendfsync = no", "everysec or always")


def test_a_redis_that_does_not_show_its_settings_is_buffered_and_said_to_be():
    with RedisServer(appendfsync="always") as server:
        with server.client() as client:
            client.execute_command(
                *("ACL", "SETUSER", "app", "on", ">pass", "~*", "&*", "+@all", "-config")
            )
        (asked,) = redis_settings.ask(server.url.replace("//", "//app:pass@"))
        verdict = of_redis(asked)

    verdict.check(accepts_loss=False)
    assert verdict.durability() == "buffered"
    (warning,) = verdict.warnings
    assert "does not tell its appendfsync" in warning
    assert "pass" not in asked.place


def test_a_redis_without_its_settings_that_keeps_nothing_is_refused_all_the_same():
    with RedisServer(appendonly="no", rename_command=("CONFIG", "nothing")) as server:
        verdict = judge(NOW, None, redis_settings.ask(server.url))

    check_can_be_accepted(verdict, "has appendonly = no")


def test_a_redis_that_still_reads_its_files_is_not_judged_yet():
    with RedisServer() as server:
        with server.client() as client, client.pipeline(transaction=False) as pipeline:
            for nth in range(50_000):
                pipeline.set(f"key-{nth}", "")
            pipeline.execute()
        server.kill()
        # For some ten seconds, if it may; whoever asks is heard every thousand keys.
        server.settings["key-load-delay"] = 100
        server._start()
        told: Exception | None = None
        while not isinstance(told, BusyLoadingError):
            with pytest.raises(FAILURES) as failure:
                redis_settings.ask(server.url)
            told = failure.value
        server.kill()

    assert "still reads its files" in str(told)


def test_a_replica_is_refused_and_whoever_has_one_is_buffered():
    with (
        RedisServer(appendfsync="always", repl_diskless_sync_delay=0) as master,
        RedisServer(appendonly="no", replicaof=("127.0.0.1", master.port)) as replica,
    ):
        with master.client() as client:
            client.set("a", 1)
            assert client.wait(1, 5000) == 1
        (asked,) = redis_settings.ask(master.url)
        verdict = judge(NOW, None, redis_settings.ask(replica.url))

    assert "is a slave, which takes no writes; name the master" in refused(verdict)
    assert of_redis(asked).durability() == "buffered"


def test_an_old_redis_is_refused(redis_url):
    (asked,) = redis_settings.ask(redis_url)
    verdict = of_redis(asked._replace(version="6.0.16"))

    assert "is version 6.0.16; 6.2 is the oldest" in refused(verdict, accepts_loss=True)
    assert of_redis(asked._replace(version="7.4.0")).refusals == ()


def test_every_master_of_a_cluster_is_asked(redis_cluster):
    worst = redis_cluster.nodes[2]
    with worst.client() as client:
        client.config_set("maxmemory-policy", "allkeys-random")
        asked = redis_settings.ask(redis_cluster.url)
        client.config_set("maxmemory-policy", "noeviction")

    assert {one.place for one in asked} == {f"127.0.0.1:{it.port}" for it in redis_cluster.nodes}
    (loss,) = judge(NOW, None, asked).losses
    assert f"The Redis at 127.0.0.1:{worst.port} has maxmemory-policy = allkeys-random" in loss


def test_all_reasons_are_told_at_once():
    with RedisServer(appendonly="no", maxmemory_policy="allkeys-lru") as server:
        verdict = judge(NOW, None, redis_settings.ask(server.url))

    assert len(refused(verdict).splitlines()) == 2
