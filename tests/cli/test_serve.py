"""`laurels serve`: its first start, its one line, its end, and who may serve a store."""

import signal
import socket
import stat
import threading
import time

import pytest
import urllib3
from tests.cli.conftest import RULEBOOK
from tests.serving import Running, environment, laurels

API_KEY = "bq_test_admin_" + "0a" * 16


def event(key: str) -> dict[str, object]:
    return {"participant_id": "ada", "event_name": "commit_landed", "idempotency_key": key}


def test_a_first_start_makes_secrets_keeps_them_to_itself_and_prints_them_once(tmp_path):
    with Running("serve", "--port", 0, cwd=tmp_path) as first:
        assert first.secrets()["LAURELS_BOOTSTRAP_API_KEY"] in first.text
        kept = first.secrets()
        assert first.stop() == 0
    with Running("serve", "--port", 0, cwd=tmp_path) as second:
        assert len(second.said) == 1
        assert second.secrets() == kept
        assert second.post("/api/v1/ingest/events", event("a"))["accepted"]

    mode = stat.S_IMODE((tmp_path / "laurels.secrets").stat().st_mode)
    assert mode == 0o600
    assert sorted(kept) == [
        "LAURELS_BOOTSTRAP_API_KEY",
        "LAURELS_BOOTSTRAP_APP_SECRET",
        "LAURELS_JWT_SECRET",
    ]
    assert all(len(secret) >= 32 for secret in kept.values())


def test_a_container_starts_from_its_environment_alone(tmp_path):
    env = environment(
        LAURELS_PORT="0",
        LAURELS_STORE=f"sqlite:{tmp_path}/data.db",
        LAURELS_RULEBOOK=str(RULEBOOK),
        LAURELS_JWT_SECRET="j" * 32,
        LAURELS_BOOTSTRAP_TENANT="acme",
        LAURELS_BOOTSTRAP_APP_ID="shop",
        LAURELS_BOOTSTRAP_APP_SECRET="s" * 32,
        LAURELS_BOOTSTRAP_API_KEY=API_KEY,
    )
    with Running("serve", cwd=tmp_path, env=env) as running:
        body = {"appId": "shop", "appSecret": "s" * 32, "userId": "ada"}
        token = urllib3.request("POST", running.url + "/v1/auth/token", json=body)
        url = running.url + "/api/v1/ingest/events/sync"
        answer = urllib3.request("POST", url, json=event("a"), headers={"X-API-Key": API_KEY})

    assert token.status == 200
    assert answer.json()["results"]["points_granted"] == 10
    assert not (tmp_path / "laurels.secrets").exists()


def test_a_rulebook_is_a_new_version_only_when_it_differs(tmp_path):
    mine = tmp_path / "mine.yaml"
    for text, version in (("{}", 1), ("{}", 1), ("timezone: UTC", 2)):
        mine.write_text(text)
        with Running("serve", "--port", 0, "--rulebook", mine, cwd=tmp_path) as running:
            running.stop()
        plan = laurels("rulebook", "plan", RULEBOOK, cwd=tmp_path)
        assert f"demo/live, version {version} to {version + 1}:" in plan.stdout


def test_a_rulebook_that_is_refused_stops_the_start_with_path_and_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("badges:\n  - {id: x, title: 7}\n")

    run = laurels("serve", "--port", 0, "--rulebook", "bad.yaml", cwd=tmp_path)

    assert run.returncode == 1
    assert "line 2, badges[0].title" in run.stderr


def test_a_second_writer_is_told_who_writes_and_where(server, tmp_path):
    (tmp_path / "one.jsonl").write_text("{}\n")
    port = server.url.rpartition(":")[2]
    for arguments in (["serve", "--port", 0], ["serve", "--port", port], ["import", "one.jsonl"]):
        run = laurels(*arguments, cwd=tmp_path)

        assert run.returncode == 1
        assert f"is being written by a server at {server.url}" in run.stderr


def test_the_store_is_free_again_after_a_kill(tmp_path):
    with Running("serve", "--port", 0, cwd=tmp_path) as running:
        running.stop(signal.SIGKILL)
    with Running("serve", "--port", 0, cwd=tmp_path) as running:
        assert running.stop() == 0


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = laurels("serve", "--port", taken.getsockname()[1], cwd=tmp_path)

    assert run.returncode == 1
    assert run.stderr.startswith("Error: Cannot listen on port")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_what_was_asked_and_loses_nothing(server, tmp_path, number):
    taken: list[str] = []

    def send() -> None:
        pool = urllib3.PoolManager(retries=False)
        headers = {"X-API-Key": server.secrets()["LAURELS_BOOTSTRAP_API_KEY"]}
        url = server.url + "/api/v1/ingest/events"
        for count in range(100_000):
            try:
                reply = pool.request("POST", url, json=event(f"k{count}"), headers=headers)
            except urllib3.exceptions.HTTPError:
                return
            if reply.status == 202:
                taken.append(reply.json()["event_id"])

    sender = threading.Thread(target=send)
    sender.start()
    while len(taken) < 50:
        time.sleep(0.01)
    begun = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - begun < 10
    sender.join()

    with Running("serve", "--port", 0, cwd=tmp_path) as again:
        page = again.get("/api/v1/gamify/participants/ada/events?page_size=1")
    assert page["total"] >= len(taken)
    assert laurels("verify", cwd=tmp_path).returncode == 0


def test_an_idle_connection_does_not_hold_up_the_stop(server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))):
        begun = time.monotonic()
        assert server.stop() == 0

    assert time.monotonic() - begun < 10


def test_a_revoked_bootstrap_key_stays_revoked(tmp_path):
    with Running("serve", "--port", 0, cwd=tmp_path) as running:
        running.stop()
    key_id = laurels("keys", "list", cwd=tmp_path).stdout.split()[0]
    assert laurels("keys", "revoke", key_id, cwd=tmp_path).returncode == 0

    with Running("serve", "--port", 0, cwd=tmp_path) as running:
        assert running.post("/api/v1/ingest/events", event("a"))["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("postgresql://x", "does not answer"),
        ("laurels.db", "write sqlite:laurels.db"),
        ("mysql:x", "no kind of store we know"),
        ("sqlite:", "needs the path of a file"),
        ("sqlite:no/such/folder/x.db", "cannot be opened"),
        ("sqlite:text.db", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_is_told_in_a_sentence(tmp_path, store, told):
    (tmp_path / "text.db").write_text("this is no database, " * 100)

    run = laurels("serve", "--port", 0, "--store", store, cwd=tmp_path)

    assert run.returncode == 1
    assert told in run.stderr
    assert "Traceback" not in run.stderr


def test_a_bad_setting_is_wrong_usage(tmp_path):
    run = laurels("serve", cwd=tmp_path, env=environment(LAURELS_PORT="x"))

    assert run.returncode == 2
    assert "LAURELS_PORT must be" in run.stderr
    assert not list(tmp_path.iterdir())
