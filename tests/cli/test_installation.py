"""One queue is one installation's: another's processes are refused before they take an event."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.servers import redis_binary
from tests.serving import Running, Working, environment, laurels


def refused(command: str, *words: object, cwd: Path) -> str:
    run = laurels(command, *words, cwd=cwd)
    assert run.returncode == 1, run.stdout
    return run.stderr


def as_said(said: str, queue: str) -> None:
    (command,) = re.findall(r"^  (redis-cli .*)$", said, re.MULTILINE)
    places = os.pathsep.join([str(Path(redis_binary()).parent), os.environ["PATH"]])
    where = environment(PATH=places, LAURELS_QUEUE=queue)
    run = subprocess.run(
        ["bash", "-c", command], env=where, capture_output=True, text=True, check=True, timeout=20
    )
    assert run.stdout == "OK\n", run.stderr


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
def test_two_installations_on_one_queue_are_told_of_it(
    kind, request, postgres_url, quick_postgres_url, tmp_path
):
    redis = request.getfixturevalue(kind)
    redis.flush()
    ours = ("--store", postgres_url, "--queue", redis.url)
    other = ("--store", quick_postgres_url, "--queue", redis.url)
    assert laurels("tenants", "create", "demo", *other[:2], cwd=tmp_path).returncode == 0

    with Running("serve", *ours, "--port", 0, cwd=tmp_path) as server:
        event = {"participant_id": "ada", "event_name": "commit_landed"}
        assert server.post("/api/v1/ingest/events", event)["accepted"]
        by_server = refused("serve", *other, "--port", 0, cwd=tmp_path)
        by_worker = refused("work", *other, cwd=tmp_path)
        with Working("work", *ours, cwd=tmp_path) as worker:
            assert worker.stop() == 0

    for said in (by_server, by_worker):
        assert "is the queue of another installation" in said
        assert "another database number" in said
        assert "Traceback" not in said

    as_said(by_worker, redis.url)
    with Working("work", *other, cwd=tmp_path) as worker:
        assert worker.stop() == 0
    assert "another installation" in refused("work", *ours, cwd=tmp_path)
