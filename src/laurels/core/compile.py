"""A rulebook made ready for work: who hears which fact, and how far a chain of facts may reach."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, assert_never

from msgspec import Struct

from laurels.core.filter import Filter
from laurels.core.matcher import Matcher, compile_matcher
from laurels.core.rulebook import (
    OWN_KINDS,
    Badge,
    BadgeReward,
    Board,
    Challenge,
    Contest,
    EarnRule,
    FreezeReward,
    ItemReward,
    Ladder,
    Level,
    Listener,
    Offer,
    OfferReward,
    PointsReward,
    Reward,
    Rule,
    Rulebook,
    Step,
    Streak,
    Window,
)
from laurels.core.state import BOARD, CAP, TIER_PERIODS
from laurels.core.window import Calendar, timezones

RECURRING: Final = ("daily", "weekly", "monthly", "yearly")
BY_COMMAND: Final = ""
"""Where `recurring` and `offers_reached` tell of whatever is no event: any own fact may follow."""


class Counted(NamedTuple):
    """Something that counts in windows: the id its windows stand under, and how they recur."""

    id: str
    window: Window
    is_board: bool = False
    """Boards go by the rulebook's clock, everything else by the participant's."""


class Compiled(Struct, frozen=True, kw_only=True):
    """
    One version of a rulebook, ready to judge.

    `matchers` has a function for every fact kind that some rule hears: it returns the rules whose
    filter the data satisfies; earn rules, then badges, objectives, streaks, tiers, boards and
    contests, each as they were written. `recurring` has, for those kinds, what counts in windows
    that such a fact, or any fact its chain can lead to, may move; `offers_reached` the offers of
    the catalogue that it may grant.
    """

    rulebook: Rulebook
    version: int
    calendar: Calendar
    badges: dict[str, Badge]
    challenges: dict[str, Challenge]
    streaks: dict[str, Streak]
    boards: dict[str, Board | Contest]
    offers: dict[str, Offer]
    levels: dict[str, Level]
    matchers: dict[str, Matcher]
    recurring: dict[str, tuple[Counted, ...]]
    offers_reached: dict[str, tuple[str, ...]]

    def calendar_of(self, timezone: str | None) -> Calendar:
        """Return the calendar of a participant who lives in that zone, if we know it."""
        if timezone is None or timezone == self.calendar.timezone:
            return self.calendar
        return _calendar(timezone, self.calendar)


def compile_rulebook(rulebook: Rulebook, version: int) -> Compiled:
    """Get a rulebook ready, once for each version."""
    heard: defaultdict[str, list[tuple[Rule, Filter | None]]] = defaultdict(list)
    for rule, listener in _listeners(rulebook):
        heard[listener.kind].append((rule, listener.where))
    reach = _Reach(rulebook, heard)
    return Compiled(
        rulebook=rulebook,
        version=version,
        calendar=Calendar(rulebook.timezone, rulebook.week_starts),
        badges={badge.id: badge for badge in rulebook.badges},
        challenges={challenge.id: challenge for challenge in rulebook.challenges},
        streaks={streak.id: streak for streak in rulebook.streaks},
        boards={board.id: board for board in (*rulebook.leaderboards, *rulebook.contests)},
        offers={offer.id: offer for offer in rulebook.offers},
        levels={level.id: level for level in rulebook.tiers.levels} if rulebook.tiers else {},
        matchers={kind: compile_matcher(rules) for kind, rules in heard.items()},
        recurring=reach.recurring,
        offers_reached=reach.offers,
    )


class _Reach:
    """What a fact of each kind can come to, by the whole chain that it may set off."""

    def __init__(
        self, rulebook: Rulebook, heard: dict[str, list[tuple[Rule, Filter | None]]]
    ) -> None:
        self._rulebook = rulebook
        self._rules = {kind: [rule for rule, _ in rules] for kind, rules in heard.items()}
        reached = {kind: self._reached([kind]) for kind in heard}
        # A streak may be told of a fact by hand.
        by_hand = [streak.hears.kind for streak in rulebook.streaks]
        reached[BY_COMMAND] = self._reached([*OWN_KINDS, *by_hand])
        self.recurring = {kind: self._counted(kinds) for kind, kinds in reached.items()}
        self.offers = {kind: self._offers(kinds) for kind, kinds in reached.items()}

    def _reached(self, kinds: Iterable[str]) -> list[str]:
        reached = list(kinds)
        for kind in reached:  # Grows while it is read.
            for outcome in self._outcomes(kind):
                if outcome not in reached:
                    reached.append(outcome)
        return reached

    def _outcomes(self, kind: str) -> Iterator[str]:
        for rule in self._rules.get(kind, ()):
            yield from _outcomes(rule)
        yield from _reward_kinds(self._asked_for(kind))

    def _asked_for(self, kind: str) -> Iterator[Reward]:
        """Return the rewards that follow a fact of ours without any rule that hears it."""
        if kind == "challenge.claimed":
            for challenge in self._rulebook.challenges:
                yield from challenge.rewards
        elif kind == "contest.prize":
            for contest in self._rulebook.contests:
                for prize in contest.prizes:
                    yield from prize.rewards

    def _counted(self, kinds: Iterable[str]) -> tuple[Counted, ...]:
        rules = [rule for kind in kinds for rule in self._rules.get(kind, ())]
        counted = (_counts(rule) for rule in rules)
        return tuple(dict.fromkeys(one for one in counted if one and one.window.kind in RECURRING))

    def _offers(self, kinds: Iterable[str]) -> tuple[str, ...]:
        rewards = [
            reward
            for kind in kinds
            for reward in (
                *(each for rule in self._rules.get(kind, ()) for each in _rewards(rule)),
                *self._asked_for(kind),
            )
        ]
        return tuple(sorted({one.offer for one in rewards if isinstance(one, OfferReward)}))


def _listeners(rulebook: Rulebook) -> Iterator[tuple[Rule, Listener]]:
    for rule in (*rulebook.earn, *rulebook.badges):
        if rule.hears is not None:
            yield rule, rule.hears
    for challenge in rulebook.challenges:
        for objective in challenge.objectives:
            yield Step(challenge, objective), objective.hears
    contests = (contest for contest in rulebook.contests if not contest.draft)
    ladders = () if rulebook.tiers is None else (rulebook.tiers,)
    for rule in (*rulebook.streaks, *ladders, *rulebook.leaderboards, *contests):
        yield rule, rule.hears


def _outcomes(rule: Rule) -> Iterator[str]:
    match rule:
        case EarnRule():
            yield "points.posted"
        case Badge():
            yield "badge.awarded"
        case Step(challenge=challenge):
            yield from ("challenge.completed", "challenge.milestone")
            if challenge.claim == "automatic":
                yield "challenge.claimed"
        case Streak():
            yield from ("streak.extended", "streak.milestone")
        case Ladder():
            yield "tier.changed"
        case Board() | Contest():
            pass
        case _:
            assert_never(rule)
    yield from _reward_kinds(_rewards(rule))


def _rewards(rule: Rule) -> Iterator[Reward]:
    """Return what a rule pays by itself."""
    match rule:
        case Step(challenge=challenge):
            if challenge.claim == "automatic":
                yield from challenge.rewards
            for milestone in challenge.milestones:
                yield from milestone.rewards
        case Streak():
            for milestone in rule.milestones:
                yield from milestone.rewards
        case _:
            pass


def _reward_kinds(rewards: Iterable[Reward]) -> Iterator[str]:
    for reward in rewards:
        match reward:
            case PointsReward():
                yield "points.posted"
            case BadgeReward():
                yield "badge.awarded"
            case ItemReward():
                yield "item.granted"
            case OfferReward():
                yield "reward.granted"
            case FreezeReward():
                pass  # What a freeze does is no fact.
            case _:
                assert_never(reward)


def _counts(rule: Rule) -> Counted | None:
    match rule:
        case Step(challenge=challenge):
            return Counted(challenge.id, challenge.window)
        case EarnRule(cap=cap) if cap is not None:
            return Counted(CAP + rule.id, cap.window)
        case Board():
            return Counted(BOARD + rule.id, rule.window, is_board=True)
        case Ladder(requalify=requalify) if requalify is not None:
            return Counted(TIER_PERIODS, requalify.window)
        case _:
            return None


@lru_cache(maxsize=1_024)
def _calendar(timezone: str, house: Calendar) -> Calendar:
    return Calendar(timezone, house.week_starts) if timezone in timezones() else house
