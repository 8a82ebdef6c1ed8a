"""The commands of one tenant within one transaction: what they need, what they lead to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from laurels.core import limits
from laurels.core.change import ChallengeClaimed, Change, Parked, PointsPosted
from laurels.core.command import (
    HOUSE,
    Claim,
    ClaimReward,
    CloseContest,
    Command,
    PayPrize,
    RecordStreak,
    SettleClaim,
    Tick,
)
from laurels.core.compile import BY_COMMAND, RECURRING, Compiled, Counted
from laurels.core.decide import decide
from laurels.core.draft import Draft
from laurels.core.errors import LimitMet, Refusal
from laurels.core.event import CUSTOM, Event, EventId, Instant, ParticipantId
from laurels.core.ledger import is_in_hand
from laurels.core.rulebook import OfferReward
from laurels.core.rules.tier import settled_period
from laurels.core.section import CLAIMED, TIER
from laurels.core.shared import share
from laurels.core.state import State
from laurels.core.window import window_key
from laurels.engine.ports import (
    Address,
    Clock,
    Outcome,
    Receipt,
    Record,
    Remembered,
    Transaction,
    WindowName,
)
from laurels.engine.replay import is_expired, remember, replay


class Batch:
    """Fetch everything first, judge one command after the other, record it all at the end."""

    def __init__(
        self,
        transaction: Transaction,
        clock: Clock,
        commands: Sequence[Command],
        *,
        waited: bool = False,
    ) -> None:
        """
        Bring everything that the decisions need, in a few round trips.

        Commands that `waited` may have been decided before, by anybody.
        """
        self._transaction = transaction
        self._clock = clock
        self._now = clock.now()
        self._commands = commands
        self._addresses = [address_of(command) for command in commands]
        participants = {one.participant for one in commands}
        if HOUSE in participants:  # What nobody in particular does concerns all.
            transaction.exclude()
        self._rulebook = transaction.rulebook()
        self._states = dict(transaction.lock_states(sorted(participants - {HOUSE})))
        self._states[HOUSE] = State()  # Nobody's: nothing is ever kept in it.
        keyed = [address for address in self._addresses if address is not None]
        self._remembered = transaction.find_receipts(keyed) if keyed else {}
        self._waited = waited
        self._decided = transaction.find_decided([one.id for one in commands]) if waited else {}
        self._twins = self._find_twins() if waited else {}
        self._duplicates: dict[EventId, EventId] = {}
        self._unfold(commands)
        offers = offers_of(self._rulebook, commands, self._is_due) | self._settled(commands)
        self._shared = transaction.shared(offers)
        self._is_shared = bool(self._rulebook.offers or self._rulebook.rulebook.contests)
        self._records: list[Record] = []
        self._moved: dict[ParticipantId, State] = {}

    def judge(self, park: LimitMet | None = None) -> list[Outcome]:
        """Decide every command in order; `park` is why none of them may be decided."""
        pairs = zip(self._commands, self._addresses, strict=True)
        return [self._judge(command, address, park) for command, address in pairs]

    def _is_due(self, command: Command) -> bool:
        due_at = self._states[command.participant].due_at
        return due_at is not None and due_at <= self._now

    def _settled(self, commands: Iterable[Command]) -> set[str]:
        """Name the offers to whose stock the commands may give back, whatever became of them."""
        claims = [
            self._states[command.participant].read(CLAIMED, command.claim)
            for command in commands
            if isinstance(command, SettleClaim) and command.status == "void"
        ]
        return {claimed.reward for claimed in claims if claimed is not None}

    def _find_twins(self) -> dict[EventId, Remembered]:
        """Find what stands for events that waited until receipts of their key may be forgotten."""
        known_since = self._now - (limits.RECEIPT_KEPT_MS - limits.RECEIPT_LIFETIME_MS)
        late = [
            command
            for command, address in zip(self._commands, self._addresses, strict=True)
            if command.received_at < known_since
            and command.id not in self._decided
            and address is not None
            and isinstance(command, Event)
            and self._is_free(command, address)
        ]
        twins = self._transaction.find_twins(late) if late else {}
        decided = self._transaction.find_decided(sorted(set(twins.values()))) if twins else {}
        return {event: decided[twin] for event, twin in twins.items()}

    def _is_free(self, command: Command, address: Address) -> bool:
        known = self._remembered.get(address)
        return known is None or is_expired(known.receipt, command)

    def _unfold(self, commands: Iterable[Command]) -> None:
        """Bring back the folded windows that a late command, or its chain, may move."""
        names: list[WindowName] = []
        for command in commands:
            state = self._states[command.participant]
            if state.folded:
                names += late_windows(self._rulebook, state, command)
        for name, progress in self._transaction.find_windows(names).items() if names else ():
            participant, challenge, window = name
            self._states[participant].put_window(challenge, window, progress)

    def _judge(self, command: Command, address: Address | None, park: LimitMet | None) -> Outcome:
        """Decide one command, or hand back the receipt of the last time it came."""
        if self._waited and (decided := self._decided.get(command.id)):
            return replay(decided, command, "store")
        remembered = self._remembered.get(address) if address is not None else None
        known = self._twins.get(command.id)
        if remembered is not None and not is_expired(remembered.receipt, command):
            known = remembered
        if known is not None:
            if self._waited:
                self._duplicates[command.id] = known.receipt.id
            return replay(known, command, "store")
        if remembered is not None and remembered.receipt.received_at > command.received_at:
            address = None  # It comes so late that its key stands for another one by now.
        if self._is_due(command):
            self._settle(command)
        return self._decide(command, address, park)

    def _settle(self, command: Command) -> None:
        """Let time pass for a participant first: each moment due is a command of its own."""
        state = self._states[command.participant]
        for _ in range(limits.TICKS_AT_ONCE_MAX):
            due_at = state.due_at
            if due_at is None or due_at > self._now:
                return
            received_at, (tick_id,) = self._clock.accept(1)
            tick = Tick(
                tenant=command.tenant,
                id=tick_id,
                participant=command.participant,
                received_at=received_at,
                at=due_at,
            )
            self._decide(tick, None, None)

    def _decide(self, command: Command, address: Address | None, park: LimitMet | None) -> Outcome:
        state = self._states[command.participant]
        try:
            if park is not None:
                raise park
            changes, draft = decide(
                self._rulebook, state, command, now=self._now, shared=self._shared
            )
        except Refusal as refusal:
            return refusal
        except LimitMet as limit:
            return self._park(command, address, limit)
        if changes or draft.is_due_moved:
            self._take_in(command, changes, draft)
        if is_idle(command, changes):
            return self._receipt(command, changes)  # Nothing came of it, so nothing is kept.
        return self._keep(command, address, changes)

    def _take_in(self, command: Command, changes: tuple[Change, ...], draft: Draft) -> None:
        draft.fold_in()
        if self._is_shared:
            self._shared = share(self._shared, changes)
        if command.participant != HOUSE:
            self._moved[command.participant] = self._states[command.participant]

    def _park(self, command: Command, address: Address | None, limit: LimitMet) -> Receipt:
        if isinstance(command, Tick):
            # Time that cannot pass must not hold up what comes after it.
            state = self._states[command.participant]
            state.set_due(dict.fromkeys(state.due))
            self._moved[command.participant] = state
        return self._keep(command, address, (Parked(type(limit).__name__, limit.message),))

    def _keep(
        self, command: Command, address: Address | None, changes: tuple[Change, ...]
    ) -> Receipt:
        receipt = self._receipt(command, changes)
        remembered = remember(command, receipt)
        postings = [each for each in changes if type(each) is PointsPosted and is_in_hand(each)]
        before = self._states[command.participant].walk_back(command.id, len(postings))
        self._records.append(Record(command, remembered, address, before))
        if address is not None:  # A twin later in this batch hears this receipt.
            self._remembered[address] = remembered
        if self._waited:
            self._decided[command.id] = remembered
        return receipt

    def _receipt(self, command: Command, changes: tuple[Change, ...]) -> Receipt:
        is_event = isinstance(command, Event)
        rulebook = self._rulebook
        return Receipt(
            id=command.id,
            name=command.name if is_event else "",
            version=rulebook.version,
            currency=rulebook.rulebook.currencies[0],
            recorded_at=self._now,
            received_at=command.received_at,
            changes=changes,
            known=not is_event or CUSTOM + command.name in rulebook.matchers,
        )

    def record(self) -> list[Record]:
        """Write what came of it all, and return it. Whoever is new is kept, moved or not."""
        if self._records:
            for record in self._records:
                command = record.command
                state = self._states[command.participant]
                if state.is_new and command.participant != HOUSE:
                    state.created_at = state.created_at or command.received_at
                    self._moved[command.participant] = state
        if self._records or self._moved:
            self._transaction.record(self._records, self._moved)
        if self._duplicates:
            self._transaction.put_duplicates(self._duplicates)
        return self._records


def is_idle(command: Command, changes: tuple[Change, ...]) -> bool:
    """Say whether a command leaves nothing worth a row: however often it comes, nothing grows."""
    if isinstance(command, Claim) and command.key is None:
        return all(isinstance(change, ChallengeClaimed) and change.quiet for change in changes)
    return not changes and isinstance(command, Tick | CloseContest)


def address_of(command: Command) -> Address | None:
    """Say where the receipt of a command with a key is kept; keys are stored as digests."""
    if command.key is None:
        return None
    digest = sha256(command.key.encode()).digest()[:16]
    return command.participant, command.operation, digest


def offers_of(
    rulebook: Compiled, commands: Sequence[Command], is_due: Callable[[Command], bool]
) -> set[str]:
    """Name the offers whose stock the commands, or their chains, may take from."""
    offers: set[str] = set()
    if not rulebook.offers:
        return offers
    # What comes first may leave something due, which is settled before what comes next.
    is_repeated = len({command.participant for command in commands}) < len(commands)
    for command in commands:
        if isinstance(command, ClaimReward):
            offers.add(command.offer)
        if isinstance(command, PayPrize):  # Of the rulebook that closed the contest.
            offers.update(one.offer for one in command.rewards if isinstance(one, OfferReward))
        is_event = isinstance(command, Event)
        if not is_event or is_repeated or is_due(command):
            offers.update(rulebook.offers_reached[BY_COMMAND])
        if is_event:
            offers.update(rulebook.offers_reached.get(CUSTOM + command.name, ()))
    return offers & rulebook.offers.keys()


def late_windows(rulebook: Compiled, state: State, command: Command) -> Iterator[WindowName]:
    """Name the folded windows that a command's own time may reach into."""
    calendar = rulebook.calendar_of(state.timezone)
    for at, kind in _moments(rulebook, state, command):
        for counted in (*rulebook.recurring.get(kind, ()), *_claimed(rulebook, command)):
            own = rulebook.calendar if counted.is_board else calendar
            window = window_key(counted.window, at, own)
            if window is not None and state.misses(counted.id, window):
                yield command.participant, counted.id, window


def _moments(rulebook: Compiled, state: State, command: Command) -> Iterator[tuple[Instant, str]]:
    """Return when something may happen, and by which kind of fact it begins."""
    for name, due_at in state.due.items():
        yield due_at, BY_COMMAND
        if name == TIER.at("") and rulebook.rulebook.tiers:  # Looks at a period that is over.
            yield settled_period(rulebook.rulebook.tiers, due_at), BY_COMMAND
    if isinstance(command, Event):
        yield command.occurred_at, CUSTOM + command.name
        return
    yield command.received_at, BY_COMMAND
    if isinstance(command, Tick | RecordStreak | PayPrize):
        yield command.at, BY_COMMAND


def _claimed(rulebook: Compiled, command: Command) -> Iterator[Counted]:
    """A claim looks whether the present window was claimed already."""
    challenge = rulebook.challenges.get(command.challenge) if isinstance(command, Claim) else None
    if challenge is not None and challenge.window.kind in RECURRING:
        yield Counted(challenge.id, challenge.window)
