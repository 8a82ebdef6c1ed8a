"""Open challenges in the order in which to try them, and what decided about the first."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from laurels.core.number import ONE, Millionths
from laurels.core.rulebook import Challenge
from laurels.engine.recommend.signs import Sign

Ground: TypeAlias = Literal["near", "heard", "next", "popular"]

NEAR_WEIGHT: Final = 5
HEARD_WEIGHT: Final = 3
NEXT_WEIGHT: Final = 2

TITLE_CHARS_MAX: Final = 100
NOTHING_OPEN: Final = "There is nothing open for you right now."


def ranked(signs: Iterable[Sign]) -> list[Sign]:
    """
    Return the best first; where nothing else decides, what most participants complete.

    After that they stay as the rulebook lists them.
    """
    return sorted(signs, key=lambda sign: (-sum(_parts(sign).values()), -sign.completed_by))


def ground(sign: Sign) -> Ground:
    """Return what speaks loudest for a challenge."""
    parts = _parts(sign)
    loudest = max(parts, key=parts.__getitem__)
    return loudest if parts[loudest] else "popular"


def reason(sign: Sign, challenges: Mapping[str, Challenge]) -> str:
    """Say in one sentence why to try this one. What properties held is never told."""
    title = _title(sign.picture.challenge)
    match ground(sign):
        case "near":
            return f"{_progress(sign)} “{title}”."
        case "heard":
            often = f" {sign.heard.times} times" if sign.heard.times > 1 else ""
            event = sign.heard.event.replace("_", " ").replace(".", " ")[:TITLE_CHARS_MAX]
            return f"Lately you did what “{title}” asks for{often}: {event}."
        case "next":
            before = challenges.get(sign.next_after[1])
            done = f"“{_title(before)}”" if before else "what you have completed"
            return f"People who completed {done} often complete “{title}” next."
        case _ if sign.completed_by:
            return f"“{title}” is what most people complete."
        case _:
            return f"“{title}” is a good one to begin with."


def percent(sign: Sign) -> int:
    return sign.near * 100 // ONE


def _parts(sign: Sign) -> dict[Ground, Millionths]:
    return {
        "near": NEAR_WEIGHT * sign.near,
        "heard": HEARD_WEIGHT * sign.heard.weight,
        "next": NEXT_WEIGHT * sign.next_after[0],
    }


def _progress(sign: Sign) -> str:
    objectives = sign.picture.objectives
    if len(objectives) == 1 and objectives[0].objective.measure in ("count", "distinct"):
        target = objectives[0].objective.target
        done = min(objectives[0].measure, target)
        return f"You are {done // ONE} of {target // ONE} steps into"
    if share := percent(sign):
        return f"You are {share}% of the way through"
    return "You have begun"


def _title(challenge: Challenge) -> str:
    title = challenge.title
    return title if len(title) <= TITLE_CHARS_MAX else title[: TITLE_CHARS_MAX - 1] + "…"
