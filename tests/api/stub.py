"""A world without an engine, for what happens before a request reaches one."""

import asyncio
import json
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import jwt
from msgspec.structs import replace

from laurels.api.app import ApiConfig, App, Edge, create_app
from laurels.api.token import Tokens
from laurels.core import ulid
from laurels.core.change import ProgressMoved
from laurels.engine.ports import ApiKey, History, HistoryEntry, Receipt
from laurels.engine.ports import App as Application

NOW = 1_775_817_000_000
SECRET = b"0123456789abcdef0123456789abcdef"
LIVE = "bq_live_" + "a" * 32
TEST = "bq_test_" + "b" * 32
APP_SECRET = "the secret of the demo app, 32 bytes"

ABSENT = object()


class SteadyClock:
    """Stands still until it is moved."""

    def __init__(self, at=NOW):
        self.at = at
        self.sequence = 0

    def now(self):
        return self.at

    def accept(self, count):
        first = self.sequence
        self.sequence += count
        time = ulid.time_part(self.at)
        return self.at, [ulid.event_id(time, "0" * 12, n) for n in range(first, first + count)]


class Stub:
    """Keeps what it is given, answers each key once, and moves one challenge."""

    def __init__(self):
        self.events = []
        self.receipts = {}
        self.refusals = []
        self.known_keys = {
            LIVE: ApiKey(id="key_live", tenant="demo/live", scopes=frozenset({"participant"})),
            TEST: ApiKey(id="key_test", tenant="demo/test", scopes=frozenset({"participant"})),
        }
        self.app = Application(
            id="demo", tenant="demo/live", secret_digest=sha256(APP_SECRET.encode()).digest()
        )
        self.disabled = set()
        self.asked = 0
        self.ready = True
        self.entries = []
        self.histories = []

    def recall(self, command):
        receipt = self.receipts.get((command.tenant, command.participant, command.key))
        return receipt and replace(receipt, answered_by="cache")

    async def submit(self, commands):
        return [self._judge(command) for command in commands]

    def _judge(self, event):
        if self.refusals:
            return self.refusals.pop(0)
        if event.key is not None and (known := self.recall(event)):
            return replace(known, answered_by="store")
        self.events.append(event)
        receipt = Receipt(
            id=event.id,
            name=event.name,
            version=1,
            recorded_at=event.received_at,
            received_at=event.received_at,
            changes=(ProgressMoved("fitness", "quizzes", "all", 2_000_000, 3_000_000, 5_000_000),),
        )
        if event.key is not None:
            self.receipts[event.tenant, event.participant, event.key] = receipt
        return receipt

    def find_key(self, digest):
        self.asked += 1
        by_digest = {sha256(key.encode()).digest(): key for key in self.known_keys}
        return self.known_keys.get(by_digest.get(digest, ""))

    def find_app(self, app):
        return self.app if app == self.app.id else None

    def is_disabled(self, tenant):
        return tenant in self.disabled

    def is_ready(self):
        return self.ready

    def history(self, tenant, participant, **filters):
        self.histories.append((tenant, participant, filters))
        return History(list(self.entries), len(self.entries))


def entry(number, at=NOW):
    return HistoryEntry(ulid.event_id(ulid.time_part(at), "0" * 12, number), "seen", "{}", at)


class Reply:
    """What came back: status, headers by lower-case name, body."""

    def __init__(self, start, body):
        self.status = start["status"]
        self.pairs = [(name.decode(), value.decode()) for name, value in start["headers"]]
        self.headers = dict(self.pairs)
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class House:
    """An app on a stub, and a way to call it that hides nothing."""

    def __init__(self, **config):
        self.stub: Any = Stub()
        self.clock: Any = SteadyClock()
        self.config = ApiConfig(
            jwt_secrets=(SECRET,), bootstrap_tenant="demo/live", version="1.2.3", **config
        )
        self.edge = Edge(self.stub, self.stub, self.stub, self.clock, self.config)
        self.app: App = create_app(self.edge)

    def token(self, participant="usr_demo_123", **claims):
        """Return the header of a good token, or of one with other claims."""
        minted = Tokens((SECRET,), "demo/live").mint("demo/live", participant, None, self.clock.at)
        token = minted.token
        if claims:
            payload = jwt.decode(token, options={"verify_signature": False}) | claims
            kept = {name: value for name, value in payload.items() if value is not ABSENT}
            token = jwt.encode(kept, SECRET, algorithm="HS256")
        return [("authorization", f"Bearer {token}")]

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Any = (),
        key: str | None = LIVE,
        chunks: Any = None,
    ) -> Any:
        """Send one request and return the reply; `chunks` sends the body in pieces."""
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers]
        if key is not None:
            pairs.append((b"x-api-key", key.encode()))
        if chunks is None:
            pairs.append((b"content-length", b"%d" % len(body)))
        self.unread = [body] if chunks is None else list(chunks)
        return asyncio.run(self._call(method, path, pairs))

    def post(self, path, body):
        """Send a value as JSON, with the token or the key that the path asks for."""
        bearer = self.token() if path == "/v1/events" else ()
        return self.call("POST", path, json.dumps(body).encode(), headers=bearer)

    async def _call(self, method, path, pairs):
        raw, _, query = path.partition("?")
        waiting = self.unread
        sent = []

        async def receive():
            if not waiting:
                return {"type": "http.disconnect"}
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": pairs,
            "client": ("10.0.0.1", 4711),
            "root_path": "",
        }
        await self.app(scope, receive, send)
        if not sent:
            return None
        return Reply(sent[0], b"".join(message.get("body", b"") for message in sent[1:]))
