"""What to try next: which challenges are ranked, in which order, and what decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.cast import DAY, NOON, SECOND, a_stage

from laurels.core import limits
from laurels.core.compile import compile_rulebook
from laurels.core.number import ONE
from laurels.core.state import State
from laurels.engine import reading
from laurels.engine.answers import Completion, Met
from laurels.engine.recommend.advice import Advice, heeded, question_of
from laurels.engine.recommend.habits import Habits, habits_of
from laurels.engine.recommend.ranking import ground, ranked, reason
from laurels.engine.recommend.signs import Heard, Sign, open_challenges, signs_of
from laurels.engine.rulebook_text import load_rulebook

SHOP = """
campaigns:
  - {id: may, starts: 2024-05-16}
  - {id: april, starts: 2024-04-01, ends: 2024-05-01}
challenges:
  - {id: buyer, title: Big spender, objectives: [{id: o, event: purchase.completed, count: 5}]}
  - id: adult
    title: Adult
    objectives: [{id: o, event: purchase.completed, where: {age: {gte: 18}}, count: 9}]
  - {id: sum, title: Sum, objectives: [{id: o, event: paid, sum: amount, target: 100}]}
  - id: two
    title: Both
    objectives: [{id: a, event: walk, count: 2}, {id: b, event: run_fast, count: 2}]
  - id: any
    title: Either
    needs: any
    objectives: [{id: a, event: swim, count: 2}, {id: b, event: fly, count: 2}]
  - {id: owed, claim: manual, objectives: [{id: o, event: done, count: 1}]}
  - {id: claimed, title: First, objectives: [{id: o, event: taken, count: 1}]}
  - {id: daily, window: daily, objectives: [{id: o, event: taken, count: 1}]}
  - {id: locked, requires: [buyer], objectives: [{id: o, event: taken, count: 1}]}
  - {id: soon, campaign: may, objectives: [{id: o, event: x, count: 1}]}
  - {id: over, campaign: april, objectives: [{id: o, event: x, count: 1}]}
  - id: over_rolling
    campaign: april
    window: {days: 3}
    objectives: [{id: o, event: x, count: 1}]
  - id: past
    window: {from: 2024-05-01, to: 2024-05-02}
    objectives: [{id: o, event: x, count: 1}]
earn: [{id: unit, event: purchase.completed, points: 1}]
"""
OPEN = ["buyer", "adult", "sum", "two", "any", "owed", "claimed", "daily"]
NO_HABITS = Habits({}, {})


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, SHOP) as stage:
        yield stage
        assert stage.findings() == []


def signs(stage, habits=NO_HABITS, who="ann"):
    queries, now = stage.store.queries, stage.clock.at
    met = reading.read(queries, stage.world, who, now)
    latest = queries.latest_events(stage.world, who, count=limits.LATEST_EVENTS_MAX)
    return signs_of(met, open_challenges(met, now), latest, habits)


def by_name(stage, habits=NO_HABITS):
    return {sign.name: sign for sign in signs(stage, habits)}


def names(found):
    return [sign.name for sign in found]


def said(stage, sign):
    return reason(sign, stage.store.queries.rulebook(stage.world).challenges)


def test_only_what_is_open_is_ranked(stage):
    assert names(signs(stage)) == OPEN

    stage.tell("done")
    stage.tell("taken")
    assert names(signs(stage)) == OPEN[:5]

    stage.clock.move(by=DAY)
    assert names(signs(stage)) == [*OPEN[:5], "daily", "soon"]


def test_progress_is_how_much_of_what_is_needed_is_done(stage):
    for event in ("walk", "walk", "walk", "swim", *["purchase.completed"] * 4):
        stage.tell(event)
    stage.tell("paid", amount=25.5)

    near = {name: sign.near for name, sign in by_name(stage).items()}

    assert near["buyer"] == 800_000
    assert near["sum"] == 255_000
    assert near["two"] == 500_000
    assert near["any"] == 500_000
    assert near["adult"] == 0


def test_a_sum_below_zero_is_no_progress(stage):
    stage.tell("paid", amount=-5)

    assert by_name(stage)["sum"].near == 0


def test_latest_events_count_where_their_filters_hold_and_later_ones_more(stage):
    stage.tell("purchase.completed", age=17)
    stage.clock.move(by=SECOND)
    stage.tell("purchase.completed", age=18)
    stage.clock.move(by=SECOND)
    stage.tell("nobody_listens")

    found = by_name(stage)

    assert found["buyer"].heard == Heard((1 + 2) * ONE // 6, 2, "purchase.completed")
    assert found["adult"].heard == Heard(2 * ONE // 6, 1, "purchase.completed")
    assert found["sum"].heard == Heard(0, 0, "")


def test_an_event_says_nothing_for_an_objective_that_is_met(stage):
    for _ in range(2):
        stage.tell("walk")
    stage.tell("run_fast")

    assert by_name(stage)["two"].heard.event == "run_fast"
    assert by_name(stage)["two"].heard.times == 1


def test_an_event_whose_number_no_rule_can_read_counts_nowhere(stage):
    stage.store.registry.put_rulebook(stage.world, "timezone: UTC", NOON)
    stage.tell("purchase.completed", age=10**12)
    stage.store.registry.put_rulebook(stage.world, SHOP, NOON + 1)

    assert by_name(stage)["adult"].heard == Heard(0, 0, "")


def test_only_the_latest_events_are_looked_at(stage):
    for _ in range(limits.LATEST_EVENTS_MAX):
        stage.tell("walk", at=NOON)
    stage.tell("swim", at=NOON - DAY)

    assert by_name(stage)["any"].heard == Heard(0, 0, "")


def test_habits_are_counted_in_participants():
    told = [("x", "a"), ("x", "a"), ("x", "b"), ("y", "a"), ("x", "a"), ("x", "b"), ("y", "c")]

    habits = habits_of(Completion(*each) for each in told)

    assert habits.completed_by == {"a": 2, "b": 1, "c": 1}
    assert habits.followed == {"a": {"b": 1, "c": 1}, "b": {"a": 1}}
    assert habits.next_after(["nothing", "a"]) == {
        "b": (ONE // (2 + 3), "a"),
        "c": (ONE // (2 + 3), "a"),
    }


def test_the_strongest_habit_is_told():
    habits = Habits({"a": 7, "b": 2, "c": 7}, {"a": {"z": 5}, "b": {"z": 2}, "c": {"z": 6}})

    assert habits.next_after("abc") == {"z": (600_000, "c")}
    assert habits.next_after("cab") == {"z": (600_000, "c")}


def test_of_too_many_pairs_the_most_frequent_are_kept(monkeypatch):
    monkeypatch.setattr(limits, "HABIT_PAIRS_MAX", 1)
    told = [("x", "a"), ("x", "b"), ("x", "c"), ("y", "b"), ("y", "c")]

    assert habits_of(Completion(*each) for each in told).followed == {"b": {"c": 2}}


def test_completions_are_read_from_the_journal_the_oldest_first(stage):
    for who in ("ann", "bob"):
        stage.tell("taken", who)
        stage.tell('a "challenge.completed" of no kind', who)
        stage.tell("done", who)
    completions = stage.store.queries.completions
    ann = [Completion("ann", name) for name in ("claimed", "daily", "owed")]
    bob = [Completion("bob", name) for name in ("claimed", "daily", "owed")]

    assert completions(stage.world, rows=100, count=100) == ann + bob
    assert completions(stage.world, rows=3, count=100) == bob
    assert completions(stage.world, rows=100, count=2) == bob[1:]
    assert completions("cafe/live", rows=100, count=100) == []


def test_what_others_completed_next_speaks_for_a_challenge(stage):
    stage.tell("taken")
    habits = Habits({"claimed": 7, "sum": 7}, {"claimed": {"sum": 7}})

    best = ranked(signs(stage, habits))

    assert [(sign.name, ground(sign)) for sign in best[:2]] == [
        ("sum", "next"),
        ("buyer", "popular"),
    ]
    assert said(stage, best[0]) == "People who completed “First” often complete “Sum” next."


def test_a_habit_from_before_a_challenge_left_the_rulebook_is_told_without_its_title(stage):
    sign = replace(signs(stage)[0], next_after=(ONE, "gone"))

    assert said(stage, sign) == (
        "People who completed what you have completed often complete “Big spender” next."
    )


def test_newcomers_are_shown_what_most_people_complete(stage):
    habits = Habits({"sum": 2, "any": 5}, {})

    best = ranked(signs(stage, habits))

    assert names(best) == ["any", "sum", "buyer", "adult", "two", "owed", "claimed", "daily"]
    assert said(stage, best[0]) == "“Either” is what most people complete."


def test_where_nobody_has_done_anything_the_rulebook_has_the_say(stage):
    best = ranked(signs(stage))

    assert names(best) == OPEN
    assert said(stage, best[0]) == "“Big spender” is a good one to begin with."


def test_the_reason_names_what_decided(stage):
    for _ in range(4):
        stage.tell("purchase.completed")
    found = by_name(stage)
    assert said(stage, found["buyer"]) == "You are 4 of 5 steps into “Big spender”."

    stage.tell("walk")
    walked = by_name(stage)["two"]
    assert said(stage, walked) == "You are 25% of the way through “Both”."

    often = replace(walked, near=0, heard=Heard(ONE, 3, "run_fast.now"))
    assert said(stage, often) == "Lately you did what “Both” asks for 3 times: run fast now."
    once = replace(often, heard=Heard(ONE, 1, "run_fast"))
    assert said(stage, once) == "Lately you did what “Both” asks for: run fast."


def test_a_reason_never_tells_what_a_property_held(stage):
    stage.tell("paid", amount=80.25)
    assert said(stage, by_name(stage)["sum"]) == "You are 80% of the way through “Sum”."

    hardly = replace(by_name(stage)["sum"], near=1, heard=Heard(0, 0, ""))
    assert said(stage, hardly) == "You have begun “Sum”."


def test_a_target_that_was_lowered_is_not_overshot(stage):
    for _ in range(4):
        stage.tell("purchase.completed")
    stage.store.registry.put_rulebook(stage.world, SHOP.replace("count: 5", "count: 3"), NOON)

    sign = by_name(stage)["buyer"]

    assert said(stage, sign) == "You are 3 of 3 steps into “Big spender”."
    assert question_of([sign], []).choices[0].event == "purchase.completed"


def test_a_long_title_is_cut(stage):
    stage.store.registry.put_rulebook(stage.world, SHOP.replace("Big spender", "B" * 500), NOON)

    assert said(stage, signs(stage)[0]) == f"“{'B' * 99}…” is a good one to begin with."


def test_a_question_holds_names_and_counts_and_nothing_else(stage):
    stage.tell("paid", "ann", amount=87.5, card="4111")
    for _ in range(2):
        stage.tell("walk", "ann")
    latest = stage.store.queries.latest_events(stage.world, "ann", count=50)

    question = question_of(ranked(signs(stage)), latest)

    assert question.lately == (("walk", 2), ("paid", 1))
    told = {
        choice.id: (choice.title, choice.event, choice.target, choice.progress)
        for choice in question.choices
    }
    assert told["sum"] == ("Sum", "paid", 100, 80)
    assert told["two"] == ("Both", "run_fast", 2, 50)
    assert not any(secret in str(question) for secret in ("87", "4111", "ann"))


def test_a_question_is_bounded(stage, monkeypatch):
    monkeypatch.setattr(limits, "ADVICE_CHOICES_MAX", 2)
    stage.tell("n" * 5_000)
    latest = stage.store.queries.latest_events(stage.world, "ann", count=50)

    question = question_of(signs(stage), latest)

    assert len(question.choices) == 2
    assert question.lately == (("n" * 100, 1),)


def test_of_advice_only_what_is_open_is_heeded_once_and_three_at_most():
    advice = Advice(("x", "b", "b", "a", "nope", "c", "d"), "")

    assert heeded(advice, set("abcd")) == ("b", "a", "c")
    assert heeded(advice, set()) == ()


CHALLENGES = compile_rulebook(
    load_rulebook(
        "challenges:\n"
        + "".join(
            f"  - {{id: c{n}, objectives: [{{id: o, event: e{n}, count: {n + 1}}}]}}\n"
            for n in range(6)
        )
    ),
    1,
)
PICTURES = open_challenges(Met(State(), CHALLENGES), NOON)
SHARES = st.integers(0, ONE)
SIGNS = st.builds(
    lambda picture, near, heard, after, people: Sign(
        picture=picture,
        near=near,
        heard=Heard(heard, 1, "e"),
        next_after=(after, "c0"),
        completed_by=people,
    ),
    st.sampled_from(PICTURES),
    *(SHARES, SHARES, SHARES),
    st.integers(0, 9),
)
MANY = st.lists(SIGNS, min_size=1, max_size=6, unique_by=lambda sign: sign.name)


@given(MANY)
def test_a_ranking_is_the_same_every_time_and_leaves_nobody_out(found):
    best = ranked(found)

    assert best == ranked(found)
    assert sorted(names(best)) == sorted(names(found))
    assert reason(best[0], CHALLENGES.challenges).endswith(".")


@given(MANY, st.data())
def test_more_progress_never_ranks_lower(found, data):
    place = data.draw(st.integers(0, len(found) - 1))
    sign = found[place]
    further = replace(sign, near=data.draw(st.integers(sign.near, ONE)))

    before = names(ranked(found)).index(sign.name)
    after = names(ranked([*found[:place], further, *found[place + 1 :]])).index(sign.name)

    assert after <= before


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd"))))
def test_a_habit_is_never_more_than_all(told):
    habits = habits_of(Completion(*each) for each in told)

    for share, before in habits.next_after("abcd").values():
        assert 0 < share < ONE
        assert before in habits.completed_by
