"""From entries of `streaks` to periods one after the other, their grace, freezes and milestones."""

from typing import Final

from laurels.core.limits import NUMBER_MAX
from laurels.core.parse.listener import HEARING, read_needed_listener
from laurels.core.parse.node import Node
from laurels.core.parse.reward import read_rewards
from laurels.core.parse.scope import PERIOD_DAYS_MAX, Scope, read_price
from laurels.core.rulebook import Freezes, PeriodUnit, Streak, StreakMilestone

STREAK: Final = ("id", "title", *HEARING, "every", "grace_hours", "freezes", "milestones")
UNITS: Final[tuple[PeriodUnit, ...]] = ("day", "week", "month")
GRACE_HOURS_MAX: Final = 167
"""One less than a week has, of which months have more."""
FREEZES_MAX: Final = 1_000


def read_streak(node: Node, scope: Scope) -> Streak:
    fields = node.fields(STREAK)
    id_, every = fields.need("id").name(), fields["every"]
    unit: PeriodUnit = "day" if every.is_mapping else every.choice(UNITS, "day")
    length = every.days(PERIOD_DAYS_MAX) if every.is_mapping else 1
    grace_hours_max = min(24 * length - 1, GRACE_HOURS_MAX) if unit == "day" else GRACE_HOURS_MAX
    return Streak(
        id=id_,
        title=fields["title"].text(default=id_),
        hears=read_needed_listener(fields),
        unit=unit,
        length=length,
        grace_hours=fields["grace_hours"].whole(grace_hours_max, least=0),
        freezes=_freezes(fields["freezes"], scope),
        milestones=_milestones(fields["milestones"], scope),
    )


def _freezes(node: Node, scope: Scope) -> Freezes | None:
    if node.is_absent:
        return None
    fields = node.fields(("cap", "earn_every", "apply", "price"))
    return Freezes(
        cap=fields.need("cap").whole(FREEZES_MAX),
        earn_every=fields["earn_every"].whole(NUMBER_MAX, default=0),
        apply=fields["apply"].choice(("automatic", "asked"), "automatic"),
        price=read_price(fields["price"], scope.currencies),
    )


def _milestones(node: Node, scope: Scope) -> tuple[StreakMilestone, ...]:
    milestones: dict[int, StreakMilestone] = {}
    for child in node.items():
        fields, known_before = child.fields(("at", "rewards")), len(child.problems)
        at = fields.need("at").whole(NUMBER_MAX)
        if at in milestones and len(child.problems) == known_before:
            fields["at"].refuse(f"`{at}` is there twice; put the rewards together")
        milestones[at] = StreakMilestone(at=at, rewards=read_rewards(fields["rewards"], scope))
    return tuple(milestones.values())
