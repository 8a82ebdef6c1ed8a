"""A world without an engine, for what happens before a request reaches one."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
from msgspec.structs import replace

from laurels.api.app import ApiConfig, App, Edge, create_app
from laurels.api.bricqs.docs import ID
from laurels.api.questkit.stream import ServerSentEvents
from laurels.api.revocations import Revocations
from laurels.api.token import Tokens
from laurels.core import ulid
from laurels.core.change import ProgressMoved
from laurels.core.command import Award, ClaimReward, Freeze, Hold, RecordStreak
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide
from laurels.core.errors import Refusal
from laurels.core.event import Event
from laurels.core.section import Pace
from laurels.core.shared import Pool, Shared, share
from laurels.core.state import Progress, State
from laurels.core.window import DAY_MS
from laurels.delivery.hub import Hub
from laurels.engine.answers import (
    Analytics,
    Feed,
    Figures,
    History,
    HistoryEntry,
    Ledger,
    Met,
    Placed,
    Ranking,
)
from laurels.engine.denylist import Revocation
from laurels.engine.inbox import Delivery, Inbox, Listed
from laurels.engine.ports import Receipt
from laurels.engine.recommend.recommender import Recommender
from laurels.engine.registry import ApiKey
from laurels.engine.registry import App as Application
from laurels.engine.rulebook_text import load_rulebook

EVERYTHING = Path(__file__).parents[1] / "examples" / "everything.yaml"
RULEBOOK = compile_rulebook(load_rulebook(EVERYTHING.read_text("utf-8")), 1)
NOW = 1_775_817_000_000
SECRET = b"0123456789abcdef0123456789abcdef"
LIVE = "bq_live_" + "a" * 32
TEST = "bq_test_" + "b" * 32
APP_SECRET = "the secret of the demo app, 32 bytes"

ADMIN = "bq_live_admin_" + "c" * 32
CLAIM = "01HQK7N5ABCDEFGHJKMNPQ0009"
CODES = ["C-1", "C-2"]
HELD = Pace(held=75_000_000, held_at=NOW)

DELIVERY = Delivery(
    tenant="demo/live",
    source="stripe",
    id="evt_1",
    event=ID,
    type="ping",
    body=b"{}",
    received_at=NOW,
    due_at=NOW,
)

ABSENT = ...
"""In place of what is to be left out. Each process must spell it alike: it is in names of tests."""


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
    """
    Keeps what it is given, and answers each key once.

    An event moves one challenge, whatever it is. Everything else is decided by the real rules, on
    participants that live in a dictionary.
    """

    def __init__(self):
        self.commands = []
        self.receipts = {}
        self.refusals = []
        scopes = frozenset({"participant"})
        self.known_keys = {
            LIVE: ApiKey(id="key_live", tenant="demo/live", scopes=scopes),
            TEST: ApiKey(id="key_test", tenant="demo/test", scopes=scopes),
            ADMIN: ApiKey(id="key_admin", tenant="demo/live", scopes=scopes | {"admin"}),
        }
        self.app = Application(
            id="demo", tenant="demo/live", secret_digest=sha256(APP_SECRET.encode()).digest()
        )
        self.disabled = set()
        self.asked = 0
        self.ready = True
        self.entries = []
        self.histories = []
        self.states = {}
        self.shared = Shared({"coffee": Pool(codes=2)})
        self.codes = list(CODES)
        self.places = []
        self.ranks = None
        self.closed = {}
        self.lines = []
        self.rows = []
        self.revoked = []
        self.deliveries = {}

    @property
    def events(self):
        return [command for command in self.commands if isinstance(command, Event)]

    async def recall(self, command):
        return self._known(command)

    def _known(self, command):
        receipt = self.receipts.get(address(command))
        return receipt and replace(receipt, answered_by="cache")

    async def submit(self, commands):
        return [self._judge(command) for command in commands]

    def _judge(self, command):
        if self.refusals:
            return self.refusals.pop(0)
        if command.key is not None and (known := self._known(command)):
            return replace(known, answered_by="store")
        try:
            changes = self._changes(command)
        except Refusal as refusal:
            return refusal
        self.commands.append(command)
        receipt = Receipt(
            id=command.id,
            name=command.name if isinstance(command, Event) else "",
            version=1,
            recorded_at=command.received_at,
            received_at=command.received_at,
            changes=changes,
        )
        if command.key is not None:
            self.receipts[address(command)] = receipt
        return receipt

    def _changes(self, command):
        if isinstance(command, Event):
            return (ProgressMoved("fitness", "quizzes", "all", 2_000_000, 3_000_000, 5_000_000),)
        state = self.states.setdefault((command.tenant, command.participant), State())
        changes, draft = decide(RULEBOOK, state, command, shared=self.shared)
        draft.fold_in()
        self.shared = share(self.shared, changes)
        state.is_new = False
        state.created_at = state.created_at or command.received_at
        return changes

    def prepare(self, participant="user_123"):
        """Let a participant have what the examples of the documentation speak of."""
        stamp = {"tenant": "demo/live", "participant": participant, "received_at": NOW}
        for command in (
            Award(**stamp, id="award", amount=5_000),
            Hold(**stamp, id=ID, amount=300),
            ClaimReward(**stamp, id=CLAIM, offer="mug"),
            RecordStreak(**stamp, id="record", streak="daily_login", at=NOW - DAY_MS),
            Freeze(**stamp, id="freeze", streak="daily_login", action="grant"),
        ):
            self._changes(command)
        state = self.states["demo/live", participant]
        state.put_window("fitness", "", Progress({"quizzes": 2_000_000}, completed_at=NOW))
        state.put("done/fitness", 1)
        state.put("pace/spring_cup", HELD)
        return state

    def find_key(self, digest):
        self.asked += 1
        by_digest = {sha256(key.encode()).digest(): key for key in self.known_keys}
        return self.known_keys.get(by_digest.get(digest, ""))

    def find_app(self, app):
        return self.app if app == self.app.id else None

    def is_disabled(self, tenant):
        return tenant in self.disabled

    def feed(self, tenant, *, after, participants, upto=None):
        return Feed([], 0, 0)

    def number_at(self, tenant, at):
        return 0

    def analytics(self, tenant, asked):
        self.asked_for = asked
        return Analytics(
            Figures(None, None, 0, 0, 0, 0), [], has_more=False, is_unique=asked.unique
        )

    def is_ready(self):
        return self.ready

    def revoke_token(self, tenant, token_id, *, at, expires_at=None):
        self.revoked.append(
            Revocation(tenant=tenant, at=at, token_id=token_id, expires_at=expires_at)
        )
        return self.revoked[-1]

    def is_revoked(self, tenant, token_id, participant, *, issued_at_s):
        return any((tenant, token_id) == (each.tenant, each.token_id) for each in self.revoked)

    def cutoff_s(self, tenant, participant):
        return None

    def put(self, deliveries):
        for each in deliveries:
            self.deliveries.setdefault((each.tenant, each.source, each.id), each)
        return [each.id for each in deliveries]

    def find(self, *name):
        return self.deliveries.get(name)

    def requeue(self, *name):
        return self.deliveries.get(name[:-1])

    def listed(self, tenant, **filters):
        return Listed(list(self.deliveries.values()), len(self.deliveries))

    def put_codes(self, tenant, offer, codes, at):
        new = [code for code in dict.fromkeys(codes) if code not in self.codes]
        self.codes += new
        pool = self.shared.pools[offer]
        pools = {**self.shared.pools, offer: Pool(pool.taken, pool.returned, len(self.codes))}
        self.shared = Shared(pools, self.shared.closed)
        return len(new)

    def rulebook(self, tenant):
        return RULEBOOK

    def participant(self, tenant, participant):
        return Met(self.states.get((tenant, participant), State()), RULEBOOK)

    def history(self, tenant, participant, **filters):
        self.histories.append((tenant, participant, filters))
        return History(list(self.entries), len(self.entries))

    def latest_events(self, tenant, participant, *, count):
        return self.entries[:count]

    def completions(self, tenant, *, rows, count):
        return []

    def ledger(self, tenant, participant, *, page, page_size):
        return Ledger(self.lines, len(self.lines))

    def count_events(self, tenant, participant):
        return len(self.events)

    def claims(self, tenant, participant):
        return self.rows

    def code(self, tenant, offer, number):
        return self.codes[number - 1]

    def pools(self, tenant):
        return dict(self.shared.pools)

    def contests(self, tenant):
        return self.closed

    def top(self, tenant, name, count):
        self.named = name
        return Ranking(self.places[:count], len(self.places))

    def around(self, tenant, name, participant, *, each_side):
        self.named = name
        places = [place.participant for place in self.places]
        middle = places.index(participant)
        return Ranking(
            self.places[max(0, middle - each_side) : middle + each_side + 1], len(places)
        )

    def place(self, tenant, name, participant):
        self.named = name
        return next((place for place in self.places if place.participant == participant), None)

    def total(self, tenant, name):
        return len(self.places)

    def snapshot(self, tenant, name, *, day):
        return self.ranks


def address(command):
    return command.tenant, command.participant, command.operation, command.key


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
    """
    An app on a stub, and a way to call it that hides nothing.

    The pages of the documentation take longer to make than all the rest: who reads them says so.
    """

    def __init__(self, *, denylist: Any = None, docs: bool = False, **config):
        self.stub: Any = Stub()
        self.clock: Any = SteadyClock()
        self.config = ApiConfig(
            jwt_secrets=(SECRET,),
            bootstrap_tenant="demo/live",
            version="1.2.3",
            docs=docs,
            **config,
        )
        self.edge = Edge(
            self.stub,
            self.stub,
            self.stub,
            self.clock,
            self.config,
            revocations=Revocations(denylist or self.stub, self.clock),
            recommender=Recommender(self.stub, self.stub, self.clock),
            inbox=Inbox(self.stub),
            hub=Hub(self.stub, self.clock, ServerSentEvents(), self.stub.is_disabled),
        )
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
        self.sent = body
        self.unread = [body] if chunks is None else list(chunks)
        return asyncio.run(self._call(method, path, pairs, self.unread))

    def post(self, path, body):
        """Send a value as JSON, with the token or the key that the path asks for."""
        bearer = self.token() if path == "/v1/events" else ()
        return self.call("POST", path, json.dumps(body).encode(), headers=bearer)

    async def _call(self, method, path, pairs, waiting):
        raw, _, query = path.partition("?")
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


SAMPLES = {
    "{source}/{delivery_id}": "stripe/evt_1",
    "{campaign_id}": "spring",
    "{challenge_id}/enrol": "marathon/enrol",
    "{challenge_id}": "fitness",
    "{claim_id}": CLAIM,
    "{code}": "weekly_points",
    "{contest_id}": "spring_cup",
    "{currency}": "points",
    "{hold_id}": ID,
    "{mission_id}": "fitness",
    "{participant_id}": "user_123",
    "{reward_id}": "coffee",
}


def filled(path):
    """Put into a path what a prepared house knows."""
    for template, sample in SAMPLES.items():
        path = path.replace(template, sample)
    return path


def prepared(**config):
    """Return a house in which the examples of the documentation come true."""
    house = House(docs=False, **config)
    house.stub.prepare()
    house.stub.put([DELIVERY])
    house.stub.places = [Placed(1, "user_123", 940_000_000, 0)]
    return house
