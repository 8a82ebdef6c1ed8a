"""The app's own backend, which has the secret; and the server that it is an app of."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import urllib3
from tests.e2e.load import APP_SECRET, STORE, settings
from tests.e2e.missions import RULEBOOK
from tests.serving import Running

STREAM_S_MAX = 10


def serve(folder: Path, port: int = 0, **more: str) -> Running:
    """Serve the shop, on the same store again if there is one."""
    env = settings(RULEBOOK) | {"LAURELS_PORT": str(port), **more}
    return Running("serve", cwd=folder, env=env)


def port_of(server: Running) -> int:
    return int(server.url.rpartition(":")[2])


def post(url: str, body: object, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    reply = urllib3.request("POST", url, json=body, headers=headers)
    assert reply.status == 200, reply.data
    return reply.json()


def mint(server: Running, user: str, **more: str) -> str:
    body = {"appId": "shop", "appSecret": APP_SECRET, "userId": user, **more}
    return post(f"{server.url}/v1/auth/token", body)["token"]


def fire(server: Running, token: str, user: str, name: str, payload: Mapping[str, object]) -> None:
    """Report an event as another client of the same user, such as a till."""
    at = time.time_ns() // 1_000_000
    body = {"userId": user, "name": name, "payload": payload, "timestamp": at}
    post(f"{server.url}/v1/events", body, token)


class Told(NamedTuple):
    """One message of a stream."""

    id: str
    event: str
    data: str

    @property
    def place(self) -> tuple[int, int]:
        number, position = self.id.split(".")
        return int(number), int(position)

    @property
    def body(self) -> Any:
        return json.loads(self.data)


def told_from_the_beginning(server: Running, token: str, count: int) -> list[Told]:
    """Read so many messages of a stream, byte by byte, from the first one on."""
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": "0"}
    reply = urllib3.request(
        "GET",
        f"{server.url}/v1/sse/updates",
        headers=headers,
        preload_content=False,
        timeout=STREAM_S_MAX,
    )
    assert reply.headers["content-type"] == "text/event-stream"
    told: list[Told] = []
    with closing(reply):
        for block in _blocks(reply):
            lines = (line.partition(": ") for line in block.split("\n") if line[:1] != ":")
            fields = {name: text for name, _, text in lines}
            if "data" in fields:
                told.append(Told(fields["id"], fields["event"], fields["data"]))
            if len(told) == count:
                break
    return told


def _blocks(reply: urllib3.BaseHTTPResponse) -> Iterator[str]:
    text = ""
    for piece in reply.read_chunked():
        *blocks, text = (text + piece.decode()).split("\n\n")
        yield from blocks


def numbers_of(folder: Path, user: str) -> list[int]:
    """Return the numbers that a user has in the journal: read from the file, not from a server."""
    with closing(sqlite3.connect(f"file:{folder / STORE}?mode=ro", uri=True)) as connection:
        sql = "SELECT number FROM journal WHERE participant = ? ORDER BY number"
        return [number for (number,) in connection.execute(sql, (user,))]
