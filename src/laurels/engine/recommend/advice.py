"""What somebody outside may be asked for advice with, and what may come back."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from traceback import walk_tb
from typing import Final, Protocol

from msgspec import Struct

from laurels.core import limits
from laurels.core.event import CUSTOM
from laurels.core.number import ONE, plain
from laurels.engine.answers import HistoryEntry
from laurels.engine.recommend.ranking import percent
from laurels.engine.recommend.signs import Sign

FRAMES_TOLD: Final = 5


class Choice(Struct, frozen=True):
    """One open challenge, as far as it may be told."""

    id: str
    title: str
    event: str
    """What its first objective that is not met listens to."""
    target: float
    progress: int
    """In percent, rounded down to tens: of a sum, more would tell what an event was about."""


class Question(Struct, frozen=True):
    """All that leaves the house: no properties, and nobody's id."""

    lately: tuple[tuple[str, int], ...]
    """Names of the latest events, and how often each was there."""
    choices: tuple[Choice, ...]
    """The best by our own reckoning first."""

    @property
    def names(self) -> set[str]:
        return {choice.id for choice in self.choices}


class Advice(Struct, frozen=True):
    """Which challenges, best first, and one sentence why. Nobody has looked at the names yet."""

    challenges: tuple[str, ...]
    why: str


class Adviser(Protocol):
    async def advise(self, question: Question) -> Advice | None:
        """Within seconds. Where there is no advice to be had, log why, and return None."""
        ...


def question_of(signs: Iterable[Sign], latest: Sequence[HistoryEntry]) -> Question:
    names = Counter(event.name[: limits.ADVICE_NAME_CHARS_MAX] for event in latest)
    choices = tuple(map(_choice, signs))[: limits.ADVICE_CHOICES_MAX]
    return Question(tuple(names.most_common()), choices)


def heeded(advice: Advice, known: Collection[str]) -> tuple[str, ...]:
    """Return the challenges of an advice that are open, each once, and no more than we show."""
    sound = [name for name in dict.fromkeys(advice.challenges) if name in known]
    return tuple(sound[: limits.RECOMMENDED_MAX])


def origin(failure: Exception) -> str:
    """Say what failed and where, on one line, but not its message: a model may have said it."""
    frames = [*walk_tb(failure.__traceback__)][-FRAMES_TOLD:]
    places = [f"{frame.f_globals.get('__name__')}:{line}" for frame, line in reversed(frames)]
    return f"{type(failure).__name__} at {' < '.join(places)}"


def _choice(sign: Sign) -> Choice:
    picture = sign.picture
    # A rulebook that asks for less than before may leave none that is not met.
    ahead = min(picture.objectives, key=lambda each: each.is_met).objective
    alone = len(picture.objectives) == 1
    target = ahead.target if alone else picture.challenge.needs * ONE
    return Choice(
        id=sign.name,
        title=picture.challenge.title[: limits.ADVICE_NAME_CHARS_MAX],
        event=ahead.hears.kind.removeprefix(CUSTOM)[: limits.ADVICE_NAME_CHARS_MAX],
        target=plain(target),
        progress=percent(sign) // 10 * 10,
    )
