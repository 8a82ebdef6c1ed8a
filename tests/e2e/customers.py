"""Customers who do all that can be done with points, and keep every receipt."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from tests.e2e.load import Errand, connections, spread, storm
from tests.e2e.shop import BASE, Ask, Books, about, claim, points
from tests.e2e.wire import API_KEY, Connection, Reply, bare, spell

CUSTOMERS = 24
PRICES = {"gift": 3, "cup": 2, "hat": 5}
CUPS = 40
CODES_BEFORE = 20
CODES_AT_ONCE = 3
SHARED = 0.2
"""How often a hold is left for somebody else to end too."""

MIX = {
    "event": 20,
    "award": 20,
    "deduct": 10,
    "holds": 15,
    "capture": 8,
    "release": 5,
    "gift": 10,
    "cup": 6,
    "hat": 2,
    "void": 4,
    "codes": 2,
}
POOR, GONE = (400, "insufficient_points"), (404, "not_found")
SOLD_OUT, ENOUGH = (409, "out_of_stock"), (409, "claim_limit_reached")
MAY_HEAR = {
    "deduct": {POOR},
    "holds": {POOR},
    "capture": {GONE},
    "release": {GONE},
    "void": {GONE},
    "gift": {POOR, SOLD_OUT},
    "cup": {POOR, SOLD_OUT},
    "hat": {POOR, ENOUGH},
}
"""By which refusals nothing is wrong; those of each whose time has come again are judged anew."""

SAME = (
    *("event_id", "transaction_id", "hold_id", "claim_id", "code_value", "amount", "captured"),
    *("points_deducted", "points_returned", "new_balance", "status"),
)
"""What a repetition must be told as the first one was, where it is told at all."""


class Wish(NamedTuple):
    """What one customer asks for; `about` is the hold or the claim that is to be ended."""

    what: str
    who: str
    ask: Ask
    about: str = ""
    amount: int = 0


class Receipt(NamedTuple):
    wish: Wish
    reply: Reply


class Customers:
    """The same seed wishes the same things, as far as what is given is the same."""

    def __init__(self, seed: int, event: str = "step") -> None:
        self.random = Random(seed)
        self.event = event
        self.people = CUSTOMERS
        self.waiting: dict[int, Wish] = {}
        self.receipts: list[Receipt] = []
        self.uploaded: list[str] = []
        self.strange: list[str] = []
        self._wishes = 0
        self._holds: list[tuple[str, str, int]] = []
        self._cups: list[tuple[str, str]] = []

    async def prepare(self, url: str) -> None:
        await spread(url, [self._to(self._upload(CODES_BEFORE))])

    async def storm(self, url: str, seconds: float, end: Callable[[], object]) -> None:
        await storm(url, self.client, seconds, end)

    async def client(self, connection: Connection) -> None:
        while True:
            await self.ask(connection, self.next())

    async def ask(self, connection: Connection, wish: Wish) -> None:
        errand = self._errand(wish)
        errand.take(await connection.ask(errand.text))

    def errand(self) -> Errand:
        return self._errand(self.next())

    def _errand(self, wish: Wish) -> Errand:
        self._wishes += 1
        number = self._wishes
        self.waiting[number] = wish

        def take(reply: Reply) -> bool:
            del self.waiting[number]
            self._take(Receipt(wish, reply))
            return True

        return Errand(wish.what, wish.ask.spelled(), take)

    async def resend(self, url: str) -> int:
        """Ask again for whatever was never answered, all at once; say how much that was."""
        waiting = list(self.waiting.values())
        self.waiting.clear()
        await spread(url, [self._to(wish) for wish in waiting])
        return len(waiting)

    async def repeat(self, url: str, count: int) -> None:
        """Ask again for some of what was given: it must be the same, and nothing more."""
        given = [one for one in self.receipts if one.reply.ok and one.wish.what != "codes"]
        some = self.random.sample(given, min(count, len(given)))
        await spread(url, [self._again(one) for one in some])

    def next(self) -> Wish:
        (what,) = self.random.choices(list(MIX), list(MIX.values()))
        who = f"c{self.random.randrange(self.people)}"
        key = f"k{self._wishes}"
        if what in {"capture", "release"} and self._holds:
            return self._end(what, key, *self._one_of(self._holds))
        if what == "void" and self._cups:
            who, cup = self._cups.pop()
            return Wish(what, who, Ask(f"/rewards/claims/{cup}/void", about(who)), cup)
        if what == "codes":
            return self._upload(CODES_AT_ONCE)
        if what in PRICES:
            return Wish(what, who, claim(what, who, key), what)
        amount = self.random.randint(1, 15)
        if what in {"award", "deduct", "holds"}:
            return Wish(what, who, points(what, who, amount, key), amount=amount)
        event = about(who, key, event_name=self.event)
        return Wish("event", who, Ask("/events", event), amount=1)

    def _one_of(self, many: list[Any]) -> Any:
        """Choose one; most of the time nobody else will."""
        place = self.random.randrange(len(many))
        return many[place] if self.random.random() < SHARED else many.pop(place)

    def _end(self, what: str, key: str, who: str, hold: str, amount: int) -> Wish:
        part = self.random.randint(1, amount) if what == "capture" else None
        return Wish(what, who, points(f"holds/{hold}/{what}", who, part, key), hold, amount)

    def _upload(self, count: int) -> Wish:
        codes = [f"code-{len(self.uploaded) + place}" for place in range(count)]
        self.uploaded += codes
        return Wish("codes", "", Ask("/rewards/gift/codes", {"codes": codes}))

    def _take(self, receipt: Receipt) -> None:
        wish, reply = receipt
        if reply.ok:
            if wish.what == "holds":
                self._holds.append((wish.who, reply.body["hold_id"], wish.amount))
            if wish.what == "cup":
                self._cups.append((wish.who, reply.body["claim_id"]))
        elif (reply.status, reply.body["error"]) not in MAY_HEAR.get(wish.what, ()):
            self.strange.append(f"{wish} was answered with {reply}")
        self.receipts.append(receipt)

    def _to(self, wish: Wish) -> Callable[[Connection], Any]:
        return lambda connection: self.ask(connection, wish)

    def _again(self, receipt: Receipt) -> Callable[[Connection], Any]:
        async def ask(connection: Connection) -> None:
            first, again = receipt.reply, await connection.ask(receipt.wish.ask.spelled())
            if receipt.wish.what == "void":  # It has no key: it is gone.
                assert (again.status, again.body["error"]) == GONE
                return
            assert told(again) == told(first), f"{receipt.wish} was done again: {first}, {again}"

        return ask


def told(reply: Reply) -> tuple[int, list[Any]]:
    return reply.status, [reply.body.get(name) for name in SAME]


class Account:
    """What must have come of it, by the receipts."""

    def __init__(self, receipts: list[Receipt]) -> None:
        self.balances: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.done: Counter[tuple[str, str]] = Counter()
        self.codes: Counter[tuple[str, str]] = Counter()
        for wish, reply in receipts:
            # To make void takes no key. Only one customer asks, so what is gone is done.
            if (reply.ok and wish.what != "codes") or wish.what == "void":
                self._add(wish, reply.body)

    def _add(self, wish: Wish, body: dict[str, Any]) -> None:
        who = wish.who
        match wish.what:
            case "event":
                self._do("event", bare(body["event_id"]), who, wish.amount)
            case "award" | "deduct":
                command, _, _ = body["transaction_id"].rpartition("-")
                self._do(wish.what, command, who, body["delta"])
            case "holds":
                self._do("hold", body["hold_id"], who, -wish.amount)
                self.held[who] += wish.amount
            case "capture" | "release":
                self._do(f"{wish.what}:{wish.about}", "", who, wish.amount - body["captured"])
                self.held[who] -= wish.amount
            case "void":
                self._do(f"settle:{wish.about}", "", who, PRICES["cup"])
            case _:
                self._do(f"reward:{wish.what}", body["claim_id"], who, -body["points_deducted"])
                if body["code_value"]:
                    self.codes[wish.what, body["code_value"]] += 1

    def _do(self, operation: str, command: str, who: str, amount: int) -> None:
        self.done[operation, command] += 1
        self.balances[who] += amount


def done_in(books: Books) -> Counter[tuple[str, str]]:
    """Return what the journal knows, by the names that a receipt knows it by."""
    return Counter(
        (operation, "" if operation.startswith(("capture:", "release:", "settle:")) else command)
        for operation, command in books.done()
    )


def lost(customers: Customers, books: Books) -> Iterator[str]:
    """Yield what was promised and is not there, or is there and nobody can have asked for."""
    yield from customers.strange
    yield from books.mistakes()
    account, done = Account(customers.receipts), done_in(books)
    for operation, command in (account.done - done).elements():
        yield f"{operation} {command} was acknowledged and is lost"
    unknown = list((done - account.done).elements())
    if len(unknown) > len(customers.waiting):
        yield f"{len(unknown)} were done and nobody was told, such as {unknown[0]}"


def reconcile(customers: Customers, books: Books) -> Iterator[str]:
    """Yield whatever does not add up, once everything has been answered."""
    assert not customers.waiting
    yield from lost(customers, books)
    account = Account(customers.receipts)
    for name, due, has in (
        ("has", account.balances, books.balances()),
        ("holds", account.held, books.held()),
    ):
        for who in sorted(due.keys() | has.keys()):
            if due[who] != has.get(who, 0):
                yield f"{who} {name} {has.get(who, 0)}, and {due[who]} by the receipts"
    yield from _shelves(customers, account, books)


def _shelves(customers: Customers, account: Account, books: Books) -> Iterator[str]:
    given = Counter((reward, code) for reward, code, _ in books.given())
    if given != account.codes:
        yield f"codes were given as {given}, and by the receipts as {account.codes}"
    codes = [code for (code,) in books.rows("SELECT code FROM codes ORDER BY number")]
    if sorted(codes) != sorted(customers.uploaded):
        yield f"there are {len(codes)} codes, and {len(customers.uploaded)} were uploaded"
    claims = books.claims()
    taken = Counter(reward for reward, _, _ in claims)
    void = Counter(reward for reward, _, status in claims if status == "void")
    for reward in ("gift", "cup", "hat"):
        if books.pool(reward) != (taken[reward], void[reward]):
            yield f"of {reward}, {books.pool(reward)} left the stock, but {taken} were claimed"
    if taken["cup"] - void["cup"] > CUPS:
        yield f"of {CUPS} cups, {taken['cup'] - void['cup']} are out"
    hats = Counter(who for reward, who, _ in claims if reward == "hat")
    yield from (f"{who} has {count} hats" for who, count in hats.items() if count > 1)


async def on_the_shelf(url: str) -> dict[str, int]:
    """Ask how many of each reward can still be claimed, where there is a limit."""
    async with connections(url, 1) as (connection,):
        reply = await connection.ask(spell(f"{BASE}/rewards", None, f"x-api-key: {API_KEY}"))
    return {each["id"]: each["available"] for each in reply.body["rewards"]}
