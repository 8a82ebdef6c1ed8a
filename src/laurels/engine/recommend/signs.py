"""What speaks for each open challenge: its progress, what was done lately, what others did next."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from laurels.core.compile import Compiled
from laurels.core.errors import NumberOutOfRange
from laurels.core.event import CUSTOM, Instant
from laurels.core.number import ONE, Millionths
from laurels.core.rulebook import Step
from laurels.core.section import DONE
from laurels.engine.answers import HistoryEntry, Met
from laurels.engine.pictures import ChallengePicture, challenges_of
from laurels.engine.recommend.habits import Habits

_properties: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Heard(NamedTuple):
    """What of the latest events counts towards a challenge."""

    weight: Millionths
    """Its share of all of them, where later ones weigh more."""
    times: int
    event: str
    """The name of the latest one."""


class Sign(Struct, frozen=True, kw_only=True):
    """All that speaks for one open challenge."""

    picture: ChallengePicture
    near: Millionths = 0
    """How much of it is done: of its objectives the ones that are furthest, as many as it needs."""
    heard: Heard = Heard(0, 0, "")
    next_after: tuple[Millionths, str] = (0, "")
    """How often it is completed right after something that the participant has completed."""
    completed_by: int = 0
    """Participants, of those looked at."""

    @property
    def name(self) -> str:
        return self.picture.challenge.id


def open_challenges(met: Met, now: Instant) -> list[ChallengePicture]:
    """Return what a participant can make progress on at this moment."""
    return [picture for picture in challenges_of(met, now) if _is_open(picture, now)]


def signs_of(
    met: Met,
    pictures: Sequence[ChallengePicture],
    latest: Sequence[HistoryEntry],
    habits: Habits,
) -> list[Sign]:
    """Return what speaks for each of these challenges. The latest event comes first."""
    heard = heard_lately(met.rulebook, pictures, latest)
    next_after = habits.next_after(met.state.keys(DONE))
    return [
        Sign(
            picture=picture,
            near=nearness(picture),
            heard=heard.get(picture.challenge.id, Heard(0, 0, "")),
            next_after=next_after.get(picture.challenge.id, (0, "")),
            completed_by=habits.completed_by.get(picture.challenge.id, 0),
        )
        for picture in pictures
    ]


def nearness(picture: ChallengePicture) -> Millionths:
    """Return how much of what is needed is done."""
    needs = picture.challenge.needs
    shares = sorted(
        min(max(each.measure, 0), each.objective.target) * ONE // each.objective.target
        for each in picture.objectives
    )
    return sum(shares[-needs:]) // needs


def heard_lately(
    rulebook: Compiled, pictures: Iterable[ChallengePicture], latest: Sequence[HistoryEntry]
) -> dict[str, Heard]:
    """Return which challenges the latest events count towards, in objectives not yet met."""
    unmet = {
        picture.challenge.id: {each.objective.id for each in picture.objectives if not each.is_met}
        for picture in pictures
    }
    weighed: dict[str, Heard] = {}
    weights = range(len(latest), 0, -1)
    for event, weight in zip(latest, weights, strict=True):
        for challenge in _hearing(rulebook, event, unmet):
            before = weighed.get(challenge, Heard(0, 0, event.name))
            weighed[challenge] = Heard(before.weight + weight, before.times + 1, before.event)
    return {
        challenge: heard._replace(weight=heard.weight * ONE // sum(weights))
        for challenge, heard in weighed.items()
    }


def _hearing(
    rulebook: Compiled, event: HistoryEntry, unmet: Mapping[str, Collection[str]]
) -> dict[str, None]:
    """Return the challenges that count this event; one that no rule can read counts nowhere."""
    matcher = rulebook.matchers.get(CUSTOM + event.name)
    if matcher is None:
        return {}
    try:
        rules = matcher(_properties(event.properties_json))
    except NumberOutOfRange:
        return {}
    steps = (rule for rule in rules if isinstance(rule, Step))
    return dict.fromkeys(
        step.challenge.id for step in steps if step.objective.id in unmet.get(step.challenge.id, ())
    )


def _is_open(picture: ChallengePicture, now: Instant) -> bool:
    campaign = picture.challenge.campaign
    ends = (picture.ends_at, campaign and campaign.ends)
    is_over = any(at is not None and at <= now for at in ends)
    return picture.status in ("available", "active") and not is_over
