"""From entries of `challenges` to goals, their objectives, and what they pay on the way."""

from collections.abc import Collection
from functools import partial
from typing import Final

from laurels.core.circles import circles
from laurels.core.limits import NUMBER_MAX
from laurels.core.number import ONE, Millionths, plain
from laurels.core.parse.listener import HEARING, read_needed_listener
from laurels.core.parse.node import Fields, Node
from laurels.core.parse.reward import read_rewards
from laurels.core.parse.scope import (
    PERIOD_DAYS_MAX,
    Scope,
    circle_of,
    look_ahead,
    read_campaign_of,
    read_entries,
    read_span,
)
from laurels.core.rulebook import (
    Challenge,
    ChallengeMilestone,
    Measure,
    Objective,
    Window,
    WindowKind,
)

CHALLENGE: Final = (
    "id", "title", "window", "needs", "claim", "objectives", "rewards", "campaign",
    "milestones", "requires", "enrolment", "repeat", "drop_off_hours",
    "description", "icon", "expires",
)  # fmt: skip
MEASURES: Final[tuple[Measure, ...]] = ("count", "sum", "distinct", "max")
WINDOWS: Final[tuple[WindowKind, ...]] = ("daily", "weekly", "monthly", "lifetime")
REPEATS: Final[dict[str, int | None]] = {"once": 1, "unlimited": None}
DROP_OFF_HOURS_MAX: Final = 8_760


def read_challenge(node: Node, scope: Scope) -> Challenge:
    fields = node.fields(CHALLENGE)
    id_, listed = fields.need("id").name(), fields.need("objectives")
    known_before = len(node.problems)
    objectives = _objectives(listed, id_)
    are_sound = len(node.problems) == known_before
    read_milestone = partial(_milestone, scope=scope, objectives=objectives, are_sound=are_sound)
    return Challenge(
        id=id_,
        title=fields["title"].text(default=id_),
        window=_window(fields, scope.timezone),
        needs=_needs(fields["needs"], len(objectives)),
        claim=fields["claim"].choice(("automatic", "manual"), "automatic"),
        objectives=objectives,
        rewards=read_rewards(fields["rewards"], scope),
        campaign=read_campaign_of(fields, scope),
        milestones=read_entries(fields["milestones"], read_milestone),
        requires=fields["requires"].names("challenge", scope.challenges),
        enrolment=fields["enrolment"].choice(("automatic", "asked"), "automatic"),
        repeat=fields["repeat"].whole_or(REPEATS, default=None),
        drop_off_hours=fields["drop_off_hours"].whole(DROP_OFF_HOURS_MAX, default=0),
        description=fields["description"].text(),
        icon=fields["icon"].text(),
        expires=fields["expires"].moment(scope.timezone),
    )


def refuse_circles(
    node: Node, key: str, entries: tuple[Challenge, ...] | tuple[Objective, ...]
) -> None:
    """Refuse entries that wait for each other, as the names under `key` say."""
    indices = {entry.id: index for index, entry in enumerate(entries)}
    befores = [
        sum(1 << indices[name] for name in set(_awaited(entry)) if name in indices)
        for entry in entries
    ]
    for circle in circles(befores):
        names = circle_of([entries[index].id for index in circle])
        node.items()[circle[0]].child(key, names).refuse(
            f"goes round in a circle, {names}, so that none can be first; take one out"
        )


def _awaited(entry: Challenge | Objective) -> tuple[str, ...]:
    return entry.requires if isinstance(entry, Challenge) else entry.after


def _window(challenge: Fields, timezone: str) -> Window:
    node = challenge["window"]
    if not node.is_mapping:
        return Window(node.choice(WINDOWS, "lifetime"))
    fields = node.fields(("from", "to", "days", "begins"))
    if "days" in fields or "begins" in fields:
        return _rolling(challenge, fields)
    if node.is_empty:
        node.refuse("needs `from`, `to`, or both; or `days`")
    starts, ends = read_span(fields, ("from", "to"), timezone)
    return Window("fixed", starts, ends)


def _rolling(challenge: Fields, fields: Fields) -> Window:
    if "from" in fields or "to" in fields:
        fields.refuse("goes by `from` and `to`, or by `days`; not by both")
    window = Window(
        "rolling",
        days=fields.need("days").whole(PERIOD_DAYS_MAX),
        begins=fields["begins"].choice(("first", "enrolment"), "first"),
    )
    if window.begins == "enrolment" and challenge["enrolment"].value != "asked":
        fields["begins"].refuse("needs `enrolment: asked` in the challenge")
    return window


def _needs(node: Node, objectives: int) -> int:
    if node.is_absent or node.value == "all":
        return objectives
    if node.value == "any":
        return 1
    if isinstance(node.value, str):
        node.refuse(f"must be `all`, `any` or a number from 1 to {objectives}")
        return objectives
    return node.whole(max(objectives, 1))


def _objectives(node: Node, challenge: str) -> tuple[Objective, ...]:
    if node.is_empty:
        node.refuse("must have at least one objective")
    id_if_none = challenge if node.is_list and len(node.items()) == 1 else None
    known = look_ahead(node) or {challenge: {}}
    read = partial(_objective, id_if_none=id_if_none, known=known)
    objectives = read_entries(node, read)
    refuse_circles(node, "after", objectives)
    return objectives


def _objective(node: Node, *, id_if_none: str | None, known: Collection[str]) -> Objective:
    fields = node.fields(("id", *HEARING, *MEASURES, "target", "after"))
    id_node = fields.need("id") if id_if_none is None else fields["id"]
    given: list[Measure] = [measure for measure in MEASURES if measure in fields]
    if len(given) != 1:
        fields.refuse("needs exactly one of `count`, `sum`, `distinct`, `max`")
    measure = given[0] if len(given) == 1 else None
    return Objective(
        id=id_node.name(default=id_if_none or ""),
        hears=read_needed_listener(fields),
        measure=measure or "count",
        of=None if measure in (None, "count") else fields[measure].property_name(),
        target=_target(fields, measure) if measure else ONE,
        after=fields["after"].names("objective", known),
    )


def _target(fields: Fields, measure: Measure) -> Millionths:
    if measure == "count":
        if "target" in fields:
            fields["target"].refuse("a count is its own target: write `count: 5`")
        return fields["count"].whole(NUMBER_MAX) * ONE
    target = fields.need("target")
    return target.whole(NUMBER_MAX) * ONE if measure == "distinct" else target.positive()


def _milestone(
    node: Node, *, scope: Scope, objectives: tuple[Objective, ...], are_sound: bool
) -> ChallengeMilestone:
    fields = node.fields(("id", "objective", "at", "rewards"))
    named = fields.need("objective") if len(objectives) > 1 else fields["objective"]
    targets = {objective.id: objective.target for objective in objectives}
    alone = objectives[0].id if len(objectives) == 1 else ""
    objective, at = named.known("objective", targets) or alone, fields.need("at").positive()
    target = targets.get(objective)
    if are_sound and target is not None and at > target:
        fields["at"].refuse(f"must be at most {plain(target)}, the target of `{objective}`")
    return ChallengeMilestone(
        id=fields["id"].name(default=f"{objective}-{plain(at)}"),
        objective=objective,
        at=at,
        rewards=read_rewards(fields["rewards"], scope),
    )
