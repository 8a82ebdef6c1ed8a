"""
What the servers that we stand on say of themselves, and whether a start may trust them.

Three classes: `strict` loses nothing that was answered, `buffered` may lose the last moments of it
when a machine dies, and `none` is what whoever accepts data loss has.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from laurels.core.errors import LaurelsError
from laurels.core.event import Instant

Durability: TypeAlias = Literal["strict", "buffered", "none"]

RELEASED_AT: Final = 1_792_972_800_000
"""2026-10-26, before this version was made: no clock that is right tells less."""
POSTGRES_MIN: Final = 150_000
REDIS_MIN: Final = (6, 2)
ACCEPT: Final = "or start with --accept-data-loss (LAURELS_ACCEPT_DATA_LOSS=1)"


class StartRefused(LaurelsError):
    """A server that we stand on is not set up to keep what it is given."""


class PostgresSettings(NamedTuple):
    """What a PostgreSQL says of itself, in its own words. `place` is where it is, for sentences."""

    place: str
    version: int
    """As it counts: 150004 is 15.4."""
    encoding: str
    in_recovery: bool
    fsync: str
    full_page_writes: str
    synchronous_commit: str


class RedisSettings(NamedTuple):
    """What one Redis says of itself. A managed one may not tell its `appendfsync`: None."""

    place: str
    version: str
    role: str
    replicas: int
    is_appending: bool
    appendfsync: str | None
    maxmemory_policy: str


class Verdict(NamedTuple):
    """What follows for a start. Each is a sentence: what is wrong, where, what would be right."""

    refusals: tuple[str, ...] = ()
    """Nobody can accept these."""
    losses: tuple[str, ...] = ()
    """These are refused unless data loss is accepted."""
    warnings: tuple[str, ...] = ()
    """These are said, and make it `buffered`."""
    is_buffered: bool = False

    def durability(self) -> Durability:
        if self.losses:
            return "none"
        return "buffered" if self.is_buffered else "strict"

    def check(self, *, accepts_loss: bool) -> None:
        """Refuse the start, with every reason at once."""
        reasons = self.refusals if accepts_loss else self.refusals + self.losses
        if reasons:
            raise StartRefused("\n".join(reasons))


def judge(
    now: Instant, postgres: PostgresSettings | None = None, redis: Sequence[RedisSettings] = ()
) -> Verdict:
    """Judge the clock and every server there is. A SQLite store needs none: it sets itself up."""
    verdicts = [of_clock(now), *map(of_redis, redis)]
    if postgres is not None:
        verdicts.append(of_postgres(postgres))
    return _together(verdicts)


def of_clock(now: Instant) -> Verdict:
    """
    Judge a clock: one that stands before this version was made is wrong.

    >>> of_clock(0).refusals
    ('The clock of this machine says 1970-01-01; set it, or days and expiries would be wrong.',)
    """
    if now >= RELEASED_AT:
        return Verdict()
    day = datetime.fromtimestamp(now / 1000, UTC).date()
    wrong = f"The clock of this machine says {day}; set it, or days and expiries would be wrong."
    return Verdict(refusals=(wrong,))


class If(NamedTuple):
    """What is to be said of a server, if it is so."""

    is_so: bool
    said: str


def of_postgres(at: PostgresSettings) -> Verdict:
    here = f"The PostgreSQL at {at.place}"
    is_buffered = at.synchronous_commit == "off"
    refusals = [
        If(
            at.version < POSTGRES_MIN,
            f"{here} is version {at.version // 10_000}; 15 is the oldest that works.",
        ),
        If(at.in_recovery, f"{here} is a standby, which takes no writes; name the primary."),
        If(
            at.encoding != "UTF8",
            f"{here} keeps this database as {at.encoding}; make one with ENCODING 'UTF8'.",
        ),
    ]
    losses = [
        If(
            at.fsync != "on",
            f"{here} has fsync = {at.fsync}, so a power cut may destroy everything; "
            f"set it to on, {ACCEPT}.",
        ),
        If(
            at.full_page_writes != "on",
            f"{here} has full_page_writes = {at.full_page_writes}, so a power cut may destroy "
            f"pages; set it to on, {ACCEPT}.",
        ),
    ]
    warnings = [
        If(
            is_buffered,
            f"{here} has synchronous_commit = off: a crash may take the last moments of what was "
            "answered. Set it to on, local or more to lose nothing.",
        )
    ]
    return Verdict(_true(refusals), _true(losses), _true(warnings), is_buffered)


def of_redis(at: RedisSettings) -> Verdict:
    here = f"The Redis at {at.place}"
    refusals = [
        If(
            _version(at.version) < REDIS_MIN,
            f"{here} is version {at.version}; 6.2 is the oldest that works.",
        ),
        If(at.role != "master", f"{here} is a {at.role}, which takes no writes; name the master."),
    ]
    losses = [
        If(
            not at.is_appending,
            f"{here} has appendonly = no, so a restart loses what waits in it; "
            f"set it to yes, {ACCEPT}.",
        ),
        If(
            at.is_appending and at.appendfsync == "no",
            f"{here} has appendfsync = no, so a power cut may lose the last half minute; "
            f"set it to everysec or always, {ACCEPT}.",
        ),
        If(
            at.maxmemory_policy != "noeviction",
            f"{here} has maxmemory-policy = {at.maxmemory_policy}, so it may drop what waits in it "
            f"when memory is short; set it to noeviction, {ACCEPT}.",
        ),
    ]
    warnings = [
        If(
            at.is_appending and at.appendfsync is None,
            f"{here} does not tell its appendfsync: taken for everysec, which a power cut may cost "
            "the last second. Allow CONFIG GET to whoever connects to find out.",
        )
    ]
    # Replicas learn later than we are answered, and any of them may be the next master.
    is_buffered = at.appendfsync != "always" or at.replicas > 0
    return Verdict(_true(refusals), _true(losses), _true(warnings), is_buffered)


def _true(sentences: Iterable[If]) -> tuple[str, ...]:
    return tuple(said for is_so, said in sentences if is_so)


def _together(verdicts: Iterable[Verdict]) -> Verdict:
    every = list(verdicts)
    return Verdict(
        refusals=tuple(said for verdict in every for said in verdict.refusals),
        losses=tuple(said for verdict in every for said in verdict.losses),
        warnings=tuple(said for verdict in every for said in verdict.warnings),
        is_buffered=any(verdict.is_buffered for verdict in every),
    )


def _version(text: str) -> tuple[int, ...]:
    """
    Read a version for comparison, of which two numbers count.

    >>> _version("6.2.14")
    (6, 2)
    """
    return tuple(int(part) for part in text.split(".")[:2])
