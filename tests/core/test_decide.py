"""What follows from a fact, where it takes more than a story: causes, limits, descriptions."""

from typing import Any

import msgspec
import pytest
from tests.cast import NOON, SHOP
from tests.core.story import told

from laurels.core import limits
from laurels.core.change import ProfileChanged, ProgressMoved
from laurels.core.command import Describe
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide, decide_fact
from laurels.core.errors import ChainTooLong, InvalidBody, LaurelsError
from laurels.core.event import Fact
from laurels.core.rules.chain import Chain, Occasion
from laurels.core.section import PROFILE
from laurels.core.state import State
from laurels.engine.rulebook_text import load_rulebook

ANN = Occasion("ann", NOON)


def compiled(rulebook):
    return compile_rulebook(load_rulebook(rulebook), 1)


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
    changes = decide_fact(
        compiled(rulebook), State(), Fact("custom.walk", {}, NOON), Occasion("ann")
    ).changes

    assert [(type(change).__name__, change.because) for change in changes] == [
        ("BadgeAwarded", -1),
        ("ProgressMoved", 0),
        ("ChallengeCompleted", 0),
        ("ChallengeClaimed", 0),
        ("PointsPosted", 0),
        ("PointsPosted", 3),
    ]


def row_of(rules):
    """Write a rulebook in which each rule hears what the one before it posts."""
    hear = [
        f"{{id: r{n}, fact: points.posted, where: {{rule: r{n - 1}}}, points: 1}}" for n in rules
    ]
    return f"earn: [{{id: r0, event: go, points: 1}}, {', '.join(hear)}]"


def test_a_chain_may_be_a_hundred_facts_long():
    longest, too_long = row_of(range(1, 99)), row_of(range(1, 100))

    assert told(longest, "go") == "; ".join(["points 1"] * 99)
    assert told(too_long, "go; stay; balance?; go") == (
        "ChainTooLong; 0 (0 earned, 0 spent, 0 held); ChainTooLong"
    )


def test_a_chain_that_is_too_long_leaves_no_trace():
    state = State()
    with pytest.raises(ChainTooLong):
        decide_fact(compiled(row_of(range(1, 100))), state, Fact("custom.go", {}, NOON), ANN)

    assert state.picture() == State().picture()


RICHES = f"earn: [{{id: much, event: go, points: {limits.AMOUNT_MAX}}}]"
PRODUCT = "earn: [{id: much, event: go, points: {of: amount, times: 1000000}}]"
REWARD = f"""
challenges:
  - {{id: c, window: daily, objectives: [{{event: go, count: 1}}], rewards: [{{points: 1}}]}}
earn: [{{id: much, event: get, points: {limits.AMOUNT_MAX}}}]
"""
SUM = "challenges: [{id: sum, objectives: [{event: go, sum: amount, target: 1}]}]"
SCORE = "leaderboards: [{id: top, event: go, score: {sum: amount}}]"


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (RICHES, "go", f"points {limits.AMOUNT_MAX}"),
        (RICHES, "go; go", f"points {limits.AMOUNT_MAX}; AmountTooLarge"),
        (PRODUCT, "go 9000000000", "AmountTooLarge"),
        (PRODUCT, "go 1000000000", f"points {limits.AMOUNT_MAX}"),
        (REWARD, "get; go; balance?", f"points {limits.AMOUNT_MAX}; AmountTooLarge; "),
        (REWARD, f"award {limits.AMOUNT_MAX + 1}", "AmountTooLarge"),
        (SUM, "go 5", "sum 0>1; sum done; sum paid"),
    ],
)
def test_what_passes_a_limit_changes_nothing(rulebook, story, outcome):
    assert told(rulebook, story).startswith(outcome)


@pytest.mark.parametrize("rulebook", [SUM, SCORE])
@pytest.mark.parametrize("largest", [9_000_000_000, -9_000_000_000])
def test_a_sum_has_its_limit(monkeypatch, rulebook, largest):
    monkeypatch.setattr(limits, "MEASURE_MAX", limits.NUMBER_MAX * 10**6)

    assert told(rulebook, f"go {largest}; go {largest // 10**9}").endswith("AmountTooLarge")


def test_a_state_has_its_limit():
    rulebook = "challenges: [{id: all, objectives: [{event: see, distinct: what, target: 9000}]}]"
    state = State()
    for letter in "abcdefg":
        fact = Fact("custom.see", {"what": letter * 10_000}, NOON)
        decide_fact(compiled(rulebook), state, fact, ANN).draft.fold_in()

    with pytest.raises(LaurelsError, match="outgrow its limit"):
        state.encode()


def test_a_move_of_progress_is_no_fact():
    chain = Chain(compiled(SUM), State(), ANN)
    move = ProgressMoved("sum", "sum", "", 0, 1, 1)
    chain.carry_out([move], NOON)

    assert chain.facts == []
    assert chain.changes == [move]


def test_a_participant_is_who_we_were_told():
    state = State()

    def describe(**given):
        command = Describe(tenant=SHOP, id="1", participant="ann", received_at=NOON, **given)
        changes, draft = decide(compiled("{}"), state, command)
        draft.fold_in()
        return changes

    assert describe(display_name="Ann", timezone="Asia/Tokyo") == (
        ProfileChanged(NOON, display_name="Ann", timezone="Asia/Tokyo"),
    )
    describe(avatar_url="a.png", attributes=msgspec.Raw(b'{"country": "de"}'))
    describe(display_name=None)

    profile = state.read(PROFILE, "")
    assert profile is not None
    assert (profile.display_name, profile.avatar_url) == (None, "a.png")
    assert (profile.timezone, bytes(profile.attributes)) == ("Asia/Tokyo", b'{"country": "de"}')
    assert state.timezone == "Asia/Tokyo"


ROOM = 16 * 1024 - len('{"old":""}')


@pytest.mark.parametrize(
    ("known", "patch", "merged"),
    [
        (b"{}", b'{"a":1.50,"b":{"c":null}}', b'{"a":1.50,"b":{"c":null}}'),
        (b'{"old":1,"gone":2}', b'{"new":3,"gone":null,"never":null}', b'{"old":1,"new":3}'),
        (b'{"old":{"deep":1}}', b'{"old":{"other":2}}', b'{"old":{"other":2}}'),
        (b"{}", b'{"old":"' + b"x" * ROOM + b'"}', b'{"old":"' + b"x" * ROOM + b'"}'),
        (b"{}", b'{"old":"' + b"x" * (ROOM + 1) + b'"}', None),
        (b'{"old":"' + b"x" * ROOM + b'"}', b'{"n":1}', None),
        (b'{"old":"' + b"x" * ROOM + b'"}', b'{"n":1,"old":null}', b'{"n":1}'),
    ],
)
def test_a_patch_is_merged_into_the_attributes_that_are_there(known, patch, merged):
    state = State()

    def describe(**given):
        raw: Any = {name: msgspec.Raw(text) for name, text in given.items()}
        command = Describe(tenant=SHOP, id="1", participant="ann", received_at=NOON, **raw)
        return decide(compiled("{}"), state, command)

    describe(attributes=known).draft.fold_in()
    if merged is None:
        with pytest.raises(InvalidBody, match="16 KiB at most"):
            describe(patch=patch)
        return
    (change,) = describe(patch=patch).changes

    assert isinstance(change, ProfileChanged)
    assert change == ProfileChanged(NOON, attributes=msgspec.Raw(merged))


def test_attributes_that_replace_all_others_have_a_size_too():
    large = msgspec.Raw(b'{"old":"' + b"x" * (ROOM + 1) + b'"}')
    command = Describe(tenant=SHOP, id="1", participant="ann", received_at=NOON, attributes=large)

    with pytest.raises(InvalidBody, match="16 KiB at most"):
        decide(compiled("{}"), State(), command)
