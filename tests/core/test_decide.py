"""
What follows from a fact, as stories: each line is what happens, and what it leads to.

A story's steps are parted by semicolons. `purchase 12` is an event with the amount 12; further
properties are written `name=value`, and all of them at once as one JSON object. `+1d` and `-2h`
move the clock, `@2024-05-31T23:59:59.999Z` sets it; an event's own time is the clock's. `claim x`
asks for the reward of x. What follows is told in the order it comes about; quiet moves are not.
"""

import re
from datetime import datetime

import msgspec
import pytest
from tests.cast import DAY, HOUR, NOON, SECOND, SHOP

from laurels.core import limits
from laurels.core.change import (
    BadgeAwarded,
    ChallengeClaimed,
    ChallengeCompleted,
    ItemGranted,
    PointsPosted,
    ProgressMoved,
)
from laurels.core.claim import decide_claim
from laurels.core.compile import compile_rulebook
from laurels.core.decide import Chain, decide
from laurels.core.decide import _data_of as data_of
from laurels.core.errors import LaurelsError
from laurels.core.event import CUSTOM, Claim, Fact
from laurels.core.number import plain
from laurels.core.state import State
from laurels.core.window import instant
from laurels.engine.rulebook_text import load_rulebook

SHIFT = re.compile(r"([+-]\d+)([dhms])")
UNITS = {"d": DAY, "h": HOUR, "m": 60 * SECOND, "s": SECOND}


def told(rulebook, story):
    """Play a story from its beginning, and tell what came of it."""
    compiled, state, clock, outcome = (
        compile_rulebook(load_rulebook(rulebook), 1),
        State(),
        NOON,
        [],
    )
    for step in re.split(r";\s*", story):
        if shift := SHIFT.fullmatch(step):
            clock += int(shift[1]) * UNITS[shift[2]]
        elif step.startswith("@"):
            clock = instant(datetime.fromisoformat(step[1:]))
        else:
            outcome += play(compiled, state, step, clock)
            state = State(state.encode())  # Whatever is remembered can be written and read.
    return "; ".join(outcome)


def play(compiled, state, step, at):
    name, _, rest = step.partition(" ")
    try:
        if name == "claim":
            claim = Claim(tenant=SHOP, id="1", participant="ann", challenge=rest, received_at=at)
            changes, draft = decide_claim(compiled, state, claim)
        else:
            fact = Fact(CUSTOM + name, properties(rest), at)
            changes, draft = decide(compiled, state, fact, "ann")
    except LaurelsError as error:
        return [type(error).__name__]
    draft.fold_in()
    return [line for change in changes if (line := tell(change))]


def properties(text):
    if text.startswith("{"):
        return msgspec.json.decode(text)
    found = {}
    for word in text.split():
        name, equals, value = word.rpartition("=")
        found[name if equals else "amount"] = scalar(value)
    return found


def scalar(text):
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def tell(change):
    match change:
        case ProgressMoved(objective=objective, target=target):
            before, after = (plain(min(each, target)) for each in (change.before, change.after))
            said = "" if change.quiet else f"{objective} {before}>{after}"
        case ChallengeCompleted(challenge=challenge, window=window):
            said = f"{challenge} done {window}"
        case ChallengeClaimed(challenge=challenge, window=window):
            said = f"{challenge} paid {window}"
        case PointsPosted(currency=currency, amount=amount):
            said = f"{currency} {amount}"
        case BadgeAwarded(badge=badge):
            said = f"badge {badge}"
        case ItemGranted(item=item, quantity=quantity):
            said = f"item {item} x{quantity}"
        case _:
            raise AssertionError(change)
    return said.rstrip()


MEASURES = """
challenges:
  - {id: buyer, objectives: [{event: purchase, count: 3}]}
  - {id: spender, objectives: [{event: purchase, sum: amount, target: 10}]}
  - {id: variety, objectives: [{event: watch, distinct: genre, target: 2}]}
  - {id: peak, objectives: [{event: score, max: amount, target: 7.5}]}
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("sneeze", ""),
        ("purchase", "buyer 0>1"),
        ("purchase 4", "buyer 0>1; spender 0>4"),
        ("purchase 4; purchase 4", "buyer 0>1; spender 0>4; buyer 1>2; spender 4>8"),
        ("purchase 12", "buyer 0>1; spender 0>10; spender done; spender paid"),
        (
            "purchase; purchase; purchase",
            "buyer 0>1; buyer 1>2; buyer 2>3; buyer done; buyer paid",
        ),
        # The moves that are told end with the one that completes.
        (
            "purchase; purchase; purchase; purchase; purchase",
            "buyer 0>1; buyer 1>2; buyer 2>3; buyer done; buyer paid",
        ),
        # A boolean, a text, null or nothing at all is no number to sum.
        ("purchase true", "buyer 0>1"),
        ('purchase "7"', "buyer 0>1"),
        ("purchase null", "buyer 0>1"),
        ("purchase 0", "buyer 0>1"),
        # A negative value lowers an unfinished sum, never a completion.
        ("purchase 4; purchase -1", "buyer 0>1; spender 0>4; buyer 1>2; spender 4>3"),
        (
            "purchase 12; purchase -5; purchase 3",
            (
                "buyer 0>1; spender 0>10; spender done; spender paid; buyer 1>2; "
                "buyer 2>3; buyer done; buyer paid"
            ),
        ),
        ("purchase -3", "buyer 0>1; spender 0>-3"),
        # Values are told apart as JSON tells them apart; what is no scalar is no value.
        ("watch genre=jazz", "variety 0>1"),
        ("watch genre=jazz; watch genre=jazz", "variety 0>1"),
        (
            "watch genre=jazz; watch genre=folk",
            "variety 0>1; variety 1>2; variety done; variety paid",
        ),
        ("watch genre=1; watch genre=1.0", "variety 0>1"),
        ('watch genre=1; watch genre="1"', "variety 0>1; variety 1>2; variety done; variety paid"),
        ("watch genre=1; watch genre=true", "variety 0>1; variety 1>2; variety done; variety paid"),
        ("watch genre=null; watch genre=[1]; watch", ""),
        ('watch {"genre": {"a": 1}}', ""),
        ("score 5", "peak 0>5"),
        ("score 5; score 4", "peak 0>5"),
        ("score 5; score 9", "peak 0>5; peak 5>7.5; peak done; peak paid"),
        ("score -5", ""),
        # A number that a rule reads has its bounds.
        ("purchase 9000000000", "buyer 0>1; spender 0>10; spender done; spender paid"),
        ("purchase 9000000001", "NumberOutOfRange"),
        ("sneeze 9000000001", ""),
        ("score -9000000000.5", "NumberOutOfRange"),
    ],
)
def test_objectives_measure(story, outcome):
    assert told(MEASURES, story) == outcome


@pytest.mark.parametrize(
    "story",
    [
        "purchase 0.1; purchase 0.2; purchase 0.7",
        "purchase 0.1; purchase 0.7; purchase 0.2",
        "purchase 0.2; purchase 0.1; purchase 0.7",
        "purchase 0.2; purchase 0.7; purchase 0.1",
        "purchase 0.7; purchase 0.1; purchase 0.2",
        "purchase 0.7; purchase 0.2; purchase 0.1",
    ],
)
def test_decimals_sum_up_in_any_order(story):
    rulebook = "challenges: [{id: one, objectives: [{event: purchase, sum: amount, target: 1.0}]}]"

    assert told(rulebook, story).endswith(">1; one done; one paid")


FILTERS = """
earn:
  - {id: dollars, event: purchase, where: {currency: USD}, points: 1}
  - {id: much, event: purchase, where: {amount: {gte: 500}}, points: 2}
  - {id: between, event: purchase, where: {amount: {gt: 5, lt: 10}}, points: 4}
  - {id: deep, event: purchase, where: {cart.total: {gte: 3}}, points: 8}
  - {id: either, event: purchase, where: {any: [{shop: a}, {shop: b}]}, points: 16}
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("purchase 1", ""),
        ("purchase 1 currency=USD", "points 1"),
        ("purchase 1 currency=EUR", ""),
        ("purchase 500", "points 2"),
        ("purchase 499.999999", ""),
        ("purchase 5", ""),
        ("purchase 7 currency=USD", "points 1; points 4"),
        ("purchase true", ""),
        ('purchase {"cart": {"total": 3}}', "points 8"),
        ('purchase {"cart.total": 2}', ""),
        ("purchase 1 shop=b", "points 16"),
        ("purchase 1 shop=c", ""),
        ("refund 500 currency=USD", ""),
    ],
)
def test_rules_hear_what_their_filters_let_through(story, outcome):
    assert told(FILTERS, story) == outcome


EARNING = """
currencies: [points, gem]
earn:
  - {id: welcome, event: signup, points: 50}
  - {id: unit, event: purchase, points: {of: amount, times: 1}}
  - {id: hundredfold, event: exact, points: {of: amount, times: 100}}
  - {id: tenth, event: tip, currency: gem, amount: {of: amount, times: 0.1}}
badges:
  - {id: big_spender, event: purchase, where: {amount: {gte: 500}}}
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("signup", "points 50"),
        ("signup; signup", "points 50; points 50"),
        ("purchase 12", "points 12"),
        ("purchase 12.99", "points 12"),
        ("purchase 0.99", ""),
        ("purchase 0", ""),
        ("purchase -5", ""),
        ("purchase", ""),
        ("purchase true", ""),
        ("purchase 10000000000", "NumberOutOfRange"),
        # Multiply first, floor once, at the end.
        ("exact 1.15", "points 115"),
        ("exact 0.29", "points 29"),
        ("exact 1.1", "points 110"),
        ("exact 0.009999", ""),
        # Numbers are held in millionths, so this one is 0.01.
        ("exact 0.0099999", "points 1"),
        ("tip 99", "gem 9"),
        ("tip 9.99", ""),
        # A badge is for good.
        ("purchase 500; purchase 600", "points 500; badge big_spender; points 600"),
    ],
)
def test_events_earn(story, outcome):
    assert told(EARNING, story) == outcome


WINDOWS = """
challenges:
  - {id: daily, window: daily, objectives: [{event: day, count: 2}], rewards: [{points: 5}]}
  - {id: weekly, window: weekly, objectives: [{event: week, count: 2}]}
  - {id: monthly, window: monthly, objectives: [{event: month, count: 2}]}
  - {id: always, objectives: [{event: ever, count: 2}]}
  - id: may
    window: {from: 2024-05-01, to: 2024-06-01}
    objectives: [{event: spring, count: 2}]
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (
            "day; day",
            "daily 0>1; daily 1>2; daily done 2024-05-15; daily paid 2024-05-15; points 5",
        ),
        ("day; +1d; day", "daily 0>1; daily 0>1"),
        ("@2024-05-15T23:59:59.999Z; day; @2024-05-16T00:00:00Z; day", "daily 0>1; daily 0>1"),
        (
            "@2024-05-15T00:00:00Z; day; @2024-05-15T23:59:59.999Z; day",
            "daily 0>1; daily 1>2; daily done 2024-05-15; daily paid 2024-05-15; points 5",
        ),
        # It begins anew each day, and completes once a day.
        (
            "day; day; day; +1d; day; day",
            (
                "daily 0>1; daily 1>2; daily done 2024-05-15; daily paid 2024-05-15; points 5; "
                "daily 0>1; daily 1>2; daily done 2024-05-16; daily paid 2024-05-16; points 5"
            ),
        ),
        # What comes late counts in its own window.
        (
            "day; +1d; day; -1d; day",
            (
                "daily 0>1; daily 0>1; daily 1>2; daily done 2024-05-15; "
                "daily paid 2024-05-15; points 5"
            ),
        ),
        (
            "@2024-05-13T00:00:00Z; week; @2024-05-19T23:59:59Z; week",
            "weekly 0>1; weekly 1>2; weekly done 2024-W20; weekly paid 2024-W20",
        ),
        ("@2024-05-19T23:59:59Z; week; @2024-05-20T00:00:00Z; week", "weekly 0>1; weekly 0>1"),
        (
            "@2024-12-30T00:00:00Z; week; @2025-01-05T23:00:00Z; week",
            "weekly 0>1; weekly 1>2; weekly done 2025-W01; weekly paid 2025-W01",
        ),
        (
            "@2024-05-31T23:59:59.999Z; month; @2024-06-01T00:00:00Z; month",
            "monthly 0>1; monthly 0>1",
        ),
        (
            "@2024-02-29T23:59:59.999Z; month; @2024-02-01T00:00:00Z; month",
            "monthly 0>1; monthly 1>2; monthly done 2024-02; monthly paid 2024-02",
        ),
        ("ever; +400d; ever", "always 0>1; always 1>2; always done; always paid"),
        # Fixed dates: the first moment counts, the last is the next one's.
        (
            "@2024-05-01T00:00:00Z; spring; @2024-05-31T23:59:59.999Z; spring",
            "may 0>1; may 1>2; may done; may paid",
        ),
        ("@2024-04-30T23:59:59.999Z; spring; @2024-06-01T00:00:00Z; spring", ""),
    ],
)
def test_windows_hold_what_happened_in_them(story, outcome):
    assert told(WINDOWS, story) == outcome


NEW_YORK = "timezone: America/New_York\nweek_starts: sunday\n" + WINDOWS


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("@2024-05-15T03:59:59.999Z; day; @2024-05-15T04:00:00Z; day", "daily 0>1; daily 0>1"),
        (
            "@2024-05-15T04:00:00Z; day; @2024-05-16T03:59:59.999Z; day",
            "daily 0>1; daily 1>2; daily done 2024-05-15; daily paid 2024-05-15; points 5",
        ),
        # The night in which clocks are set back has 25 hours.
        (
            "@2024-11-03T04:00:00Z; day; @2024-11-04T04:59:59.999Z; day",
            "daily 0>1; daily 1>2; daily done 2024-11-03; daily paid 2024-11-03; points 5",
        ),
        ("@2024-05-19T03:59:59Z; week; @2024-05-19T04:00:00Z; week", "weekly 0>1; weekly 0>1"),
        ("@2024-06-01T03:59:59Z; month; @2024-06-01T04:00:00Z; month", "monthly 0>1; monthly 0>1"),
        ("@2024-05-01T03:59:59.999Z; spring", ""),
        ("@2024-05-01T04:00:00Z; spring", "may 0>1"),
    ],
)
def test_windows_go_by_the_zone_of_the_rulebook(story, outcome):
    assert told(NEW_YORK, story) == outcome


NEEDS = """
badges: [{id: quiz_master}]
challenges:
  - id: both
    objectives: [{id: a, event: one, count: 1}, {id: b, event: two, count: 1}]
    rewards: [{points: 10}, {badge: quiz_master}, {item: boots, quantity: 2}]
  - id: either
    needs: any
    objectives: [{id: c, event: red, count: 2}, {id: d, event: blue, count: 1}]
  - id: two_of
    needs: 2
    objectives:
      - {id: x, event: up, count: 1}
      - {id: y, event: down, count: 1}
      - {id: z, event: aside, count: 1}
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("one", "a 0>1"),
        ("one; one", "a 0>1"),
        (
            "one; two",
            "a 0>1; b 0>1; both done; both paid; points 10; badge quiz_master; item boots x2",
        ),
        (
            "two; one; two; one",
            "b 0>1; a 0>1; both done; both paid; points 10; badge quiz_master; item boots x2",
        ),
        ("red", "c 0>1"),
        ("blue", "d 0>1; either done; either paid"),
        ("red; red; blue", "c 0>1; c 1>2; either done; either paid"),
        # A neighbour that moves once the challenge is completed moves quietly.
        ("red; blue; red", "c 0>1; d 0>1; either done; either paid"),
        ("up; up", "x 0>1"),
        ("up; aside; down", "x 0>1; z 0>1; two_of done; two_of paid"),
    ],
)
def test_challenges_need_all_any_or_some(story, outcome):
    assert told(NEEDS, story) == outcome


CLAIMS = """
badges: [{id: early, event: rise}]
challenges:
  - id: daily
    window: daily
    claim: manual
    objectives: [{event: buy, count: 2}]
    rewards: [{points: 5}, {badge: early}]
  - id: may
    window: {from: 2024-05-01, to: 2024-06-01}
    claim: manual
    objectives: [{event: spring, count: 1}]
    rewards: [{item: hat, quantity: 1}]
earn: [{id: bonus, fact: challenge.claimed, points: 1}]
"""
DONE = "daily 0>1; daily 1>2; daily done"
PAID = "daily paid 2024-05-15; points 5; badge early; points 1"


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("claim nothing", "UnknownChallenge"),
        ("claim daily", "ClaimNotReady"),
        ("buy; claim daily", "daily 0>1; ClaimNotReady"),
        ("buy; buy", f"{DONE} 2024-05-15"),
        ("buy; buy; claim daily", f"{DONE} 2024-05-15; {PAID}"),
        # To claim once more changes nothing.
        ("buy; buy; claim daily; claim daily", f"{DONE} 2024-05-15; {PAID}"),
        # A badge that is owned already is not given again.
        (
            "rise; buy; buy; claim daily",
            f"badge early; {DONE} 2024-05-15; daily paid 2024-05-15; points 5; points 1",
        ),
        # Facts go on counting between the completion and the claim, and behind it.
        ("buy; buy; buy; claim daily; buy", f"{DONE} 2024-05-15; {PAID}"),
        # The claim of an old window does not touch the new one.
        (
            "buy; buy; +1d; buy; claim daily; buy; claim daily",
            (
                f"{DONE} 2024-05-15; daily 0>1; {PAID}; "
                "daily 1>2; daily done 2024-05-16; daily paid 2024-05-16; points 5; points 1"
            ),
        ),
        # The oldest window is paid first; what was claimed yesterday is not ready today.
        (
            "buy; buy; +1d; buy; buy; claim daily",
            f"{DONE} 2024-05-15; {DONE} 2024-05-16; {PAID}",
        ),
        ("buy; buy; claim daily; +1d; claim daily", f"{DONE} 2024-05-15; {PAID}; ClaimNotReady"),
        # What fixed dates completed can be claimed after them.
        ("spring; +60d; claim may", "may 0>1; may done; may paid; item hat x1; points 1"),
        ("+60d; spring; claim may", "ClaimNotReady"),
    ],
)
def test_claims_pay_what_is_owed(story, outcome):
    assert told(CLAIMS, story) == outcome


CHAINS = """
badges:
  - {id: finisher, fact: challenge.completed, where: {challenge: walk}}
  - {id: collector, fact: item.granted, where: {item: boots}}
  - {id: rich, fact: points.posted, where: {amount: {gte: 100}, currency: points}}
challenges:
  - {id: walk, objectives: [{event: walk, count: 1}], rewards: [{item: boots, quantity: 1}]}
  - {id: badges, objectives: [{fact: badge.awarded, count: 2}], rewards: [{points: 100}]}
  - {id: daily, window: daily, objectives: [{fact: badge.awarded, distinct: badge, target: 9}]}
  - {id: nothing, objectives: [{fact: challenge.claimed, where: {challenge: walk}, count: 9}]}
earn:
  - {id: per_badge, fact: badge.awarded, where: {badge: {ne: rich}}, points: 3}
"""


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        (
            "walk",
            (
                "walk 0>1; walk done; walk paid; item boots x1; "
                "badge finisher; nothing 0>1; badge collector; "
                "points 3; badges 0>1; daily 0>1; "
                "points 3; badges 1>2; badges done; badges paid; points 100; daily 1>2; "
                "badge rich; daily 2>3"
            ),
        ),
    ],
)
def test_changes_are_facts_in_their_turn(story, outcome):
    assert told(CHAINS, story) == outcome


def test_a_derived_fact_takes_the_time_of_the_fact_that_caused_it():
    rulebook = """
badges: [{id: walker, event: walk}]
challenges: [{id: daily, window: daily, objectives: [{fact: badge.awarded, count: 1}]}]
"""

    assert told(rulebook, "-3d; walk").endswith("daily done 2024-05-12; daily paid 2024-05-12")


def test_every_change_names_the_change_it_came_from():
    rulebook = """
badges: [{id: walker, event: walk}]
challenges: [{id: badges, objectives: [{fact: badge.awarded, count: 1}], rewards: [{points: 1}]}]
earn: [{id: more, fact: challenge.claimed, points: 2}]
"""
    compiled = compile_rulebook(load_rulebook(rulebook), 1)
    changes = decide(compiled, State(), Fact("custom.walk", {}, NOON), "ann").changes

    assert [(type(change).__name__, change.because) for change in changes] == [
        ("BadgeAwarded", -1),
        ("ProgressMoved", 0),
        ("ChallengeCompleted", 0),
        ("ChallengeClaimed", 0),
        ("PointsPosted", 0),
        ("PointsPosted", 3),
    ]


CIRCLE = "earn: [{id: more, event: go, points: 1}, {id: again, fact: points.posted, points: 1}]"
RICHES = f"earn: [{{id: much, event: go, points: {limits.AMOUNT_MAX}}}]"
PRODUCT = "earn: [{id: much, event: go, points: {of: amount, times: 1000000}}]"
SUM = "challenges: [{id: sum, objectives: [{event: go, sum: amount, target: 1}]}]"


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (CIRCLE, "go", "ChainTooLong"),
        (CIRCLE, "go; stay; go", "ChainTooLong; ChainTooLong"),
        (RICHES, "go", f"points {limits.AMOUNT_MAX}"),
        (RICHES, "go; go", f"points {limits.AMOUNT_MAX}; AmountTooLarge"),
        (PRODUCT, "go 9000000000", "AmountTooLarge"),
        (PRODUCT, "go 1000000000", f"points {limits.AMOUNT_MAX}"),
        (SUM, "go 5", "sum 0>1; sum done; sum paid"),
    ],
)
def test_what_passes_a_limit_changes_nothing(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


@pytest.mark.parametrize("largest", [9_000_000_000, -9_000_000_000])
def test_a_sum_has_its_limit(monkeypatch, largest):
    monkeypatch.setattr(limits, "MEASURE_MAX", limits.NUMBER_MAX * 10**6)

    assert told(SUM, f"go {largest}; go {largest // 10**9}").endswith("AmountTooLarge")


def test_a_state_has_its_limit():
    rulebook = "challenges: [{id: all, objectives: [{event: see, distinct: what, target: 9000}]}]"
    compiled, state = compile_rulebook(load_rulebook(rulebook), 1), State()
    for letter in "abcdefg":
        fact = Fact("custom.see", {"what": letter * 10_000}, NOON)
        decide(compiled, state, fact, "ann").draft.fold_in()

    with pytest.raises(LaurelsError, match="outgrow its limit"):
        state.encode()


def test_a_move_of_progress_is_no_fact():
    chain = Chain(compile_rulebook(load_rulebook(CHAINS), 1), State(), "ann")
    move = ProgressMoved("walk", "walk", "", 0, 1, 1)
    chain.carry_out([move], NOON)

    assert chain.facts == []
    assert chain.changes == [move]
    with pytest.raises(AssertionError, match="is no fact"):
        data_of(move)
