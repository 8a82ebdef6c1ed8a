"""The commands of one tenant within one transaction: what they need, what they lead to."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from laurels.core.change import Change, Parked
from laurels.core.claim import decide_claim
from laurels.core.compile import Compiled
from laurels.core.decide import Decision, decide
from laurels.core.errors import LimitMet, Refusal
from laurels.core.event import CUSTOM, Command, Event, Instant, ParticipantId, accept
from laurels.core.state import State
from laurels.core.window import window_key
from laurels.engine.ports import Address, Outcome, Receipt, Record, Transaction, WindowName
from laurels.engine.replay import is_expired, remember, replay


class Batch:
    """Fetch everything first, judge one command after the other, record it all at the end."""

    def __init__(self, transaction: Transaction, now: Instant, commands: Sequence[Command]) -> None:
        """Bring everything that the decisions need, in a few round trips."""
        self._transaction = transaction
        self._now = now
        self._commands = commands
        self._addresses = [address_of(command) for command in commands]
        self._rulebook = transaction.rulebook()
        self._states = transaction.lock_states(sorted({one.participant for one in commands}))
        keyed = [address for address in self._addresses if address is not None]
        self._remembered = transaction.find_receipts(keyed) if keyed else {}
        self._unfold(commands)
        self._records: list[Record] = []
        self._moved: dict[ParticipantId, State] = {}

    def judge(self, park: LimitMet | None = None) -> list[Outcome]:
        """Decide every command in order; `park` is why none of them may be decided."""
        pairs = zip(self._commands, self._addresses, strict=True)
        return [self._judge(command, address, park) for command, address in pairs]

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
        if address is not None:
            known = self._remembered.get(address)
            if known is not None and not is_expired(known.receipt, command):
                return replay(known, command, "store")
        state = self._states[command.participant]
        try:
            if park is not None:
                raise park
            changes, draft = decide_command(self._rulebook, state, command)
        except Refusal as refusal:
            return refusal
        except LimitMet as limit:
            return self._keep(command, address, (Parked(type(limit).__name__, limit.message),))
        if changes:
            draft.fold_in()
            self._moved[command.participant] = state
        return self._keep(command, address, changes)

    def _keep(
        self, command: Command, address: Address | None, changes: tuple[Change, ...]
    ) -> Receipt:
        is_event = isinstance(command, Event)
        rulebook = self._rulebook
        receipt = Receipt(
            id=command.id,
            name=command.name if is_event else "",
            version=rulebook.version,
            currency=rulebook.rulebook.currencies[0],
            recorded_at=self._now,
            received_at=command.received_at,
            changes=changes,
            known=not is_event or CUSTOM + command.name in rulebook.matchers,
        )
        remembered = remember(command, receipt)
        self._records.append(Record(command, remembered, address))
        if address is not None:  # A twin later in this batch hears this receipt.
            self._remembered[address] = remembered
        return receipt

    def record(self) -> list[Record]:
        """Write what came of it all, and return it. Whoever is new is kept, moved or not."""
        if self._records:
            for record in self._records:
                state = self._states[record.command.participant]
                if state.is_new:
                    self._moved[record.command.participant] = state
            self._transaction.record(self._records, self._moved)
        return self._records


def decide_command(rulebook: Compiled, state: State, command: Command) -> Decision:
    if isinstance(command, Event):
        return decide(rulebook, state, accept(command), command.participant)
    return decide_claim(rulebook, state, command)


def address_of(command: Command) -> Address | None:
    """Say where the receipt of a command with a key is kept; keys are stored as digests."""
    if command.key is None:
        return None
    digest = sha256(command.key.encode()).digest()[:16]
    return command.participant, command.operation, digest


def late_windows(rulebook: Compiled, state: State, command: Command) -> Iterable[WindowName]:
    """Name the folded windows that a command's own time may reach into."""
    if isinstance(command, Event):
        at, challenges = command.occurred_at, rulebook.recurring.get(CUSTOM + command.name, ())
    else:
        at, claimed = command.received_at, rulebook.challenges.get(command.challenge)
        challenges = rulebook.recurring["challenge.claimed"] + ((claimed,) if claimed else ())
    for challenge in challenges:
        window = window_key(challenge.window, at, rulebook.calendar)
        if window is not None and state.misses(challenge.id, window):
            yield command.participant, challenge.id, window
