"""The rankings of all boards, in memory: loaded when first asked for, then kept up with."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from threading import BoundedSemaphore, Lock
from typing import Final, NamedTuple, TypeAlias, TypeVar

import msgspec

from laurels.core import limits
from laurels.core.change import ScoreMoved
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.core.number import Millionths
from laurels.engine.answers import BoardName, Placed, Ranking, Snapshot
from laurels.engine.ports import Record
from laurels.engine.standings import Standing
from laurels.store.hand import Connections, Hand
from laurels.store.journal import head
from laurels.store.rows import decode_changes

BLOCK_ENTRIES: Final = 4_096
"""Entries that are fetched in one row, and taken in before other threads get a turn."""
LOADS_AT_ONCE_MAX: Final = 2
"""A large ranking takes seconds to load: some connections stay free for other questions."""
ROWS_CAUGHT_UP_MAX: Final = 20_000
"""Of the journal. Whoever is further behind loads the ranking anew."""
SNAPSHOT_RANKS_MAX: Final = 1_000
SNAPSHOT_DAYS_KEPT: Final = 2

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Move(NamedTuple):
    """One row of `standings`: where a participant stands from now on."""

    tenant: TenantId
    board: str
    window: str
    participant: ParticipantId
    segment: str | None
    score: Millionths
    reached_at: Instant


Moves: TypeAlias = Sequence[Move]
Told: TypeAlias = tuple[TenantId, range, Moves]
"""What one commit did to rankings: whose, the numbers of its journal rows, and the moves."""

_entries: Final = msgspec.json.Decoder(list[tuple[ParticipantId, Millionths, Instant]]).decode
_encode: Final = msgspec.json.Encoder().encode
_ranks: Final = msgspec.json.Decoder(dict[ParticipantId, int]).decode


def standing_rows(records: Iterable[Record]) -> list[Move]:
    """Return the rows that a batch moves, each once, as it was last, in the order of their key."""
    last: dict[tuple[TenantId, str, str, ParticipantId], Move] = {}
    for record in records:
        tenant, who = record.command.tenant, record.command.participant
        for change in record.remembered.receipt.changes:
            if isinstance(change, ScoreMoved):
                key = (tenant, change.board, change.window, who)
                last[key] = Move(*key, change.segment, change.after, change.reached_at)
    return [last[key] for key in sorted(last)]


class Tended:
    """
    One ranking that was asked for: whoever asks first loads it, the writer keeps it current.

    It is told of every commit from before its snapshot is taken, by the numbers of the journal.
    So it knows which of them the snapshot has in it already, and whether it ever missed one.
    """

    def __init__(self, tenant: TenantId, name: BoardName) -> None:
        self.tenant = tenant
        self.name = name
        self._loading = Lock()
        self._lock = Lock()
        self._standing: Standing | None = None
        self._number = 0
        """Of the newest journal row that is in the standing."""
        self._early: list[tuple[range, Moves]] = []
        """What was committed while the snapshot was read."""

    @property
    def entries(self) -> int:
        return 0 if self._standing is None else len(self._standing)

    def load(self, connections: Connections, turn: BoundedSemaphore) -> bool:
        """Be loaded afterwards; say whether this call has done it. Others wait for it."""
        if self._standing is not None:
            return False
        with self._loading:
            if self._standing is not None:
                return False
            with turn:
                while not self._begin(*self._fetch(connections)):
                    pass
            return True

    def ask(self, question: Callable[[Standing], Answer]) -> Answer:
        with self._lock:
            assert self._standing is not None, "it is loaded before it is asked"
            return question(self._standing)

    def catch_up(self, connections: Connections) -> bool:
        """Take in what anybody has committed since; not if that is more than a load would be."""
        with self._loading:
            with connections.reading() as reader:
                newest = head(reader, self.tenant)
                numbers = range(self._number + 1, newest + 1)
                if len(numbers) > ROWS_CAUGHT_UP_MAX or newest < self._number:
                    return False  # Or it is an earlier state of the database, as a backup is.
                after = self.tenant, self._number
                rows = reader.run("scores_after", *after).fetchall() if numbers else []
            moves = [move for row in rows for move in self._moves(*row)]
            return not numbers or self.tell(numbers, moves)

    def _moves(self, number: int, participant: ParticipantId, changes: str) -> Iterator[Move]:
        place = (self.name.board, self.name.window)
        for one in decode_changes(changes) if number > self._number else ():
            if isinstance(one, ScoreMoved) and (one.board, one.window) == place:
                score = (one.segment, one.after, one.reached_at)
                yield Move(self.tenant, *place, participant, *score)

    def tell(self, numbers: range, moves: Moves) -> bool:
        """Take in a commit. Say whether all is well: not if one has been missed before it."""
        with self._lock:
            if self._standing is None:
                self._early.append((numbers, moves))
                return True
            return self._take_in(self._standing, numbers, moves)

    def _fetch(self, connections: Connections) -> tuple[int, Standing]:
        """Read one snapshot. Most of the time is the database's; other threads run meanwhile."""
        place = (BLOCK_ENTRIES, self.tenant, self.name.board, self.name.window)
        with self._lock:
            self._early.clear()  # The snapshot will have all of that in it.
        with connections.reading() as reader:
            newest = head(reader, self.tenant)
            if self.name.segment is None:
                rows = reader.stream("standings_of_board", *place)
            else:
                rows = reader.stream("standings_of_segment", *place, self.name.segment)
            entries = chain.from_iterable(_entries(text) for (text,) in rows)
            return newest, Standing(self.name.ties, entries)

    def _begin(self, number: int, standing: Standing) -> bool:
        """Begin with a snapshot, and what was committed since; not if that leaves a gap."""
        with self._lock:
            self._number = number
            early, self._early = self._early, []
            if not all(self._take_in(standing, *commit) for commit in early):
                return False
            self._standing = standing
            return True

    def _take_in(self, standing: Standing, numbers: range, moves: Moves) -> bool:
        if numbers[-1] <= self._number:
            return True
        if numbers[0] != self._number + 1:
            return False
        self._number = numbers[-1]
        for move in moves:
            if self.name.segment in {None, move.segment}:
                standing.put(move.participant, move.score, move.reached_at)
            else:
                standing.remove(move.participant)
        return True


class Ranks:
    """
    What can be asked about rankings, from any thread. `moved` is for the writer's.

    Nothing in here is ever uncommitted, and whatever is in here can be loaded again. Where other
    processes write too, nobody could tell of all commits: then `is_told` is false, and the journal
    is asked before each answer what has moved since the last one.
    """

    def __init__(self, connections: Connections, *, is_told: bool = True) -> None:
        self._connections = connections
        self._is_told = is_told
        self._turn = BoundedSemaphore(LOADS_AT_ONCE_MAX)
        self._lock = Lock()
        self._tended: dict[tuple[TenantId, BoardName], Tended] = {}
        """In the order in which they were last asked."""

    def top(self, tenant: TenantId, name: BoardName, count: int) -> Ranking:
        return self._ask(tenant, name, lambda standing: standing.top(count))

    def around(
        self, tenant: TenantId, name: BoardName, participant: ParticipantId, *, each_side: int
    ) -> Ranking:
        return self._ask(
            tenant, name, lambda standing: standing.around(participant, each_side=each_side)
        )

    def place(self, tenant: TenantId, name: BoardName, participant: ParticipantId) -> Placed | None:
        return self._ask(tenant, name, lambda standing: standing.place(participant))

    def total(self, tenant: TenantId, name: BoardName) -> int:
        return self._ask(tenant, name, len)

    def snapshot(self, tenant: TenantId, name: BoardName, *, day: int) -> Snapshot | None:
        key = (tenant, name.board, name.window, name.segment or "", day)
        for ranks, has_more in self._connections.read("find_snapshot", *key):
            return Snapshot(_ranks(ranks), bool(has_more))
        return None

    def take_snapshot(self, writer: Hand, tenant: TenantId, name: BoardName, day: int) -> None:
        """Write down the best ranks of a day, unless that was done; delete those of old days."""
        best = self.top(tenant, name, SNAPSHOT_RANKS_MAX)
        ranks = _encode({place.participant: place.rank for place in best.places}).decode()
        key = (tenant, name.board, name.window, name.segment or "", day)
        writer.run("put_snapshot", *key, ranks, int(best.total > len(best.places)))
        writer.run("delete_snapshots", tenant, day - SNAPSHOT_DAYS_KEPT)

    def moved(self, tenant: TenantId, numbers: range, moves: Moves) -> None:
        """
        Take in what has been committed, with the numbers of its journal rows, if there are any.

        Every commit must be told, even one that moves nobody: a gap in the numbers means that
        somebody else has written, and then rankings of that tenant are loaded again.
        """
        if not numbers:
            return
        with self._lock:
            tended = [each for (whose, _), each in self._tended.items() if whose == tenant]
        if tended:
            by_board = _by_board(moves)
            for each in tended:
                place = (each.name.board, each.name.window)
                if not _told(each, numbers, by_board.get(place, ())):
                    self._drop(each)
            self._make_room()

    def clear(self) -> None:
        """Forget all rankings: they are loaded again when they are asked for."""
        with self._lock:
            self._tended.clear()

    def _ask(
        self, tenant: TenantId, name: BoardName, question: Callable[[Standing], Answer]
    ) -> Answer:
        with self._lock:
            tended = self._tended.pop((tenant, name), None) or Tended(tenant, name)
            self._tended[tenant, name] = tended
        before = tended.entries
        try:
            is_new = tended.load(self._connections, self._turn)
            if not (is_new or self._is_told or tended.catch_up(self._connections)):
                self._drop(tended)
                return self._ask(tenant, name, question)
        except BaseException:
            self._drop(tended)
            raise
        if is_new:
            self._keep(tended)
        elif tended.entries > before and not self._is_told:
            self._make_room()
        return tended.ask(question)

    def _keep(self, tended: Tended) -> None:
        """Keep what was loaded, unless there is nothing in it: anybody can ask for such names."""
        if tended.entries:
            self._make_room()
        else:
            self._drop(tended)

    def _drop(self, tended: Tended) -> None:
        key = (tended.tenant, tended.name)
        with self._lock:
            if self._tended.get(key) is tended:
                del self._tended[key]

    def _make_room(self) -> None:
        """Drop what was not asked for longest; the last one asked stays, whatever its size."""
        with self._lock:
            entries = sum(each.entries for each in self._tended.values())
            while len(self._tended) > 1 and (
                len(self._tended) > limits.RANKINGS_LOADED_MAX
                or entries > limits.RANKED_ENTRIES_MAX
            ):
                eldest = next(iter(self._tended))
                entries -= self._tended.pop(eldest).entries


def _told(tended: Tended, numbers: range, moves: Moves) -> bool:
    """Tell a ranking of a commit. It stands, so nothing may fail: the ranking goes instead."""
    try:
        return tended.tell(numbers, moves)
    except Exception:
        log.exception("a ranking of %s could not be moved, and is loaded again", tended.name.board)
        return False


def _by_board(moves: Moves) -> Mapping[tuple[str, str], list[Move]]:
    boards: dict[tuple[str, str], list[Move]] = {}
    for move in moves:
        boards.setdefault((move.board, move.window), []).append(move)
    return boards
