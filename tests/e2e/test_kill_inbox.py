"""SIGKILL between the 202 to a webhook and its event: nothing is lost, nothing counts twice."""

import hmac
import json
import sqlite3
import threading
import time
from contextlib import closing
from random import Random
from typing import Any

import urllib3
from tests.e2e.load import STORE, settings
from tests.e2e.log import verified
from tests.serving import Running

KILLS = 6
SENDERS = 12
SENT_MAX = 4_000
DONE_WITHIN_S = 30
SECRET = "whsec_a secret of thirty-two bytes."
PEOPLE = 8
RULEBOOK = """
earn: [{id: unit, event: invoice.paid, points: {of: amount, times: 1}}]
"""


class Provider:
    """Sends deliveries from several threads, and notes which were accepted."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.sent = 0
        self.accepted: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def storm(self, url: str, seconds: float, end: Any) -> None:
        """Send until the end, which comes in the middle of it."""
        stopped = threading.Event()
        pool = urllib3.PoolManager(maxsize=SENDERS, retries=False, timeout=10)
        threads = [
            threading.Thread(target=self._send_on, args=(pool, url, stopped))
            for _ in range(SENDERS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        end()
        stopped.set()
        for thread in threads:
            thread.join()

    def again(self, url: str) -> None:
        """Send some of what was accepted once more, as providers do."""
        pool = urllib3.PoolManager(retries=False, timeout=10)
        some = sorted(self.accepted)
        for id_ in self.chance.sample(some, min(len(some), 50)):
            reply = send(pool, url, self.accepted[id_])
            assert (reply.status, reply.json()["eventId"]) == (202, f"evt_{id_}")

    def _send_on(self, pool: urllib3.PoolManager, url: str, stopped: threading.Event) -> None:
        while not stopped.is_set():
            with self._lock:
                self.sent += 1
                number = self.sent
            if number > SENT_MAX:
                return
            id_ = f"in_{number}"
            body = delivery(id_, f"cus_{number % PEOPLE}")
            try:
                reply = send(pool, url, body)
            except urllib3.exceptions.HTTPError:
                return
            assert reply.status == 202, reply.data
            with self._lock:
                self.accepted[id_] = body


def delivery(id_: str, customer: str) -> bytes:
    thing = {"customer": customer, "amount": 3}
    event = {"id": id_, "type": "invoice.paid", "created": int(time.time())}
    return json.dumps(event | {"data": {"object": thing}}).encode()


def send(pool: urllib3.PoolManager, url: str, body: bytes) -> Any:
    at = int(time.time())
    right = hmac.digest(SECRET.encode(), b"%d." % at + body, "sha256").hex()
    headers = {"Stripe-Signature": f"t={at},v1={right}"}
    return pool.request("POST", f"{url}/v1/webhook/incoming", body=body, headers=headers)


def rows(file, sql: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def waiting(file) -> int:
    return rows(file, "SELECT count(*) FROM inbox WHERE status = 'waiting'")[0][0]


def test_a_kill_after_the_202_loses_nothing_and_counts_nothing_twice(tmp_path, capsys):
    rulebook, file = tmp_path / "rulebook.yaml", tmp_path / STORE
    rulebook.write_text(RULEBOOK)
    env = settings(rulebook) | {"LAURELS_WEBHOOK_SECRET_STRIPE": SECRET}
    provider, left = Provider(1), list[int]()
    for _ in range(KILLS):
        with Running("serve", cwd=tmp_path, env=env) as server:
            provider.again(server.url)
            seconds = provider.chance.uniform(0.2, 0.7)
            provider.storm(server.url, seconds, server.process.kill)
            server.process.wait()
        left.append(waiting(file))
    with Running("serve", cwd=tmp_path, env=env) as server:
        provider.again(server.url)
        patience = time.monotonic() + DONE_WITHIN_S
        while waiting(file) and time.monotonic() < patience:
            time.sleep(0.05)

    statuses = dict(rows(file, "SELECT id, status FROM inbox"))
    keys = [key for (key,) in rows(file, "SELECT key FROM events")]
    assert set(statuses.values()) == {"processed"}
    assert statuses.keys() >= provider.accepted.keys()
    assert sorted(keys) == sorted(f"evt_{id_}" for id_ in statuses), "each once, and no other"
    earned = rows(file, "SELECT sum(amount) FROM postings")[0][0]
    assert earned == 3 * len(statuses)
    assert not verified(file)
    assert sum(left) > 0, "no kill came between an answer and its event"
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{KILLS} kills: {len(provider.accepted)} webhooks accepted,"
            f" {left} of them waiting after each"
        )
