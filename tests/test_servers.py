"""The servers that other tests stand on: they start, die, come back, and leave nothing behind."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from tests.servers import IS_ROOT, PostgresServer, RedisCluster, RedisServer, _is_free


def test_postgresql_keeps_over_a_kill_what_it_had_committed():
    with PostgresServer() as server, server.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (text text)")
            connection.execute("INSERT INTO kept VALUES ('grüße')")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2)
        server.restart()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT * FROM kept").fetchall() == [("grüße",)]

    assert not server.folder.exists()
    assert server.process.returncode == 0


def test_postgresql_can_be_stopped_when_it_is_dead():
    server = PostgresServer({"fsync": "off"})
    folder, port = server.folder, server.port
    server.kill()
    server.stop()

    assert not folder.exists()
    assert _is_free(port)


def test_every_test_gets_a_database_of_its_own(postgres_server, postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (text text)")
    with postgres_server.database() as other, psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_a_database_can_be_copied(postgres_server, postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (text text)")
    template = postgres_url.rpartition("/")[2]
    with postgres_server.database(template=template) as copy, psycopg.connect(copy) as connection:
        assert connection.execute("SELECT * FROM mine").fetchall() == []


def test_redis_keeps_over_a_kill_what_it_had_written():
    with RedisServer(appendfsync="always") as server:
        with server.client() as client:
            client.set("kept", "yes")
        server.kill()
        with server.client() as client, pytest.raises(redis.ConnectionError):
            client.ping()
        server.restart()
        with server.client() as client:
            assert client.get("kept") == b"yes"
            server.flush()
            assert client.get("kept") is None

    assert not server.folder.exists()


def test_a_cluster_spreads_its_keys(redis_cluster):
    client = redis.RedisCluster.from_url(redis_cluster.url)
    for number in range(64):
        client.set(f"{{lane-{number}}}:events", number)
    per_node = [redis.Redis(port=node.port) for node in redis_cluster.nodes]

    assert all(10 < node.dbsize() < 40 for node in per_node)
    client.close()
    for node in per_node:
        node.close()


def test_a_cluster_goes_as_a_whole():
    cluster = RedisCluster()
    cluster.stop()

    assert not any(node.folder.exists() for node in cluster.nodes)
    assert all(_is_free(node.port) for node in cluster.nodes)


def test_a_session_that_forgets_its_servers_leaves_nothing():
    program = (
        "from tests.servers import *\n"
        "for server in PostgresServer(), RedisServer(): print(server.folder, server.process.pid)\n"
        "print(postgres_binaries(), 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    postgres, redis_, binaries = (line.split() for line in run.stdout.splitlines())
    for folder, pid in postgres, redis_:
        assert not Path(folder).exists()
        assert not Path(f"/proc/{pid}").exists()
    assert Path(binaries[0]).exists() == (not IS_ROOT)
