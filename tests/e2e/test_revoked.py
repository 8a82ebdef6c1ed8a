"""A revocation reaches a server that runs, whoever wrote it, and outlives it."""

import http.client
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import jwt
from tests.serving import Running

from laurels.store.sqlite.store import SqliteStore

FELT_S_MAX = 1.0
LOOK_S = 0.02
TOKENS = 6


class Client:
    """One connection that is kept."""

    def __init__(self, server: Running) -> None:
        address = urlsplit(server.url)
        self.server = server
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.connection.close()

    def post(self, path: str, body: bytes, token: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection.request("POST", path, body, headers)
        reply = self.connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text) if text else None

    def mint(self, user: str) -> str:
        secret = self.server.secrets()["LAURELS_BOOTSTRAP_APP_SECRET"]
        body = {"appId": "demo", "appSecret": secret, "userId": user}
        return self.post("/v1/auth/token", json.dumps(body).encode())[1]["token"]

    def is_good(self, token: str) -> bool:
        # A good one comes as far as the body.
        status, body = self.post("/v1/events", b"junk", token)
        assert status == 400 or (status, body["message"]) == (401, "The token was revoked.")
        return status == 400


def serve(folder: Path) -> Running:
    return Running("serve", "--port", 0, cwd=folder)


def token_id(token: str) -> str:
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def test_what_another_process_revokes_is_felt_within_a_second(tmp_path):
    with (
        serve(tmp_path) as server,
        Client(server) as client,
        closing(SqliteStore(tmp_path / "laurels.db")) as theirs,
    ):
        for number in range(TOKENS):
            user = f"user{number}"
            token = client.mint(user)
            assert client.is_good(token)
            begun, at = time.monotonic(), time.time_ns() // 1_000_000
            if number % 2:
                theirs.denylist.revoke_participant("demo/live", user, at=at)
            else:
                theirs.denylist.revoke_token("demo/live", token_id(token), at=at)
            while client.is_good(token):
                assert time.monotonic() - begun < FELT_S_MAX
                time.sleep(LOOK_S)
            assert client.is_good(client.mint(user))


def test_a_revoked_token_stays_revoked_when_the_server_comes_back(tmp_path):
    with serve(tmp_path) as server, Client(server) as client:
        token, spared = client.mint("ann"), client.mint("ann")
        assert client.post("/v1/auth/revoke", b"", token) == (204, None)
        server.process.kill()
    with serve(tmp_path) as server, Client(server) as client:
        assert not client.is_good(token)
        assert client.is_good(spared)


def test_a_body_that_is_not_read_harms_nobody_on_the_connection(tmp_path):
    with serve(tmp_path) as server, Client(server) as client:
        for _ in range(5):
            token = client.mint("ann")
            assert client.post("/v1/auth/revoke", b"x" * 300_000, token) == (204, None)
            assert not client.is_good(token)
