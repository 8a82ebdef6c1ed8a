"""From plain values to a rulebook: what each key makes, and what each mistake is told."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import strategies
from tests.parsing import FULL, GOAL, ONE, SIGNUP, challenge, earn, objective, problems

from laurels.core.errors import RulebookRefused
from laurels.core.filter import All, Clause, Not, Path, Some
from laurels.core.limits import AMOUNT_MAX, RULES_MAX
from laurels.core.parse import parse_rulebook
from laurels.core.rulebook import (
    Badge,
    BadgeReward,
    Challenge,
    EarnRule,
    ItemReward,
    Listener,
    Objective,
    PointsReward,
    Rulebook,
    Window,
)

TREE = {
    "timezone": "Europe/Berlin",
    "week_starts": "sunday",
    "currencies": ["points", "coin", "gem"],
    "earn": [
        {
            "id": "one-per-unit",
            "event": "purchase",
            "where": {"currency": "USD"},
            "points": {"of": "cart.total", "times": 1.5},
        },
        {"id": "shiny", "fact": "badge.awarded", "currency": "gem", "amount": 5},
        {"id": "more", "fact": "custom.x", "currency": "coin", "amount": {"of": "n"}},
    ],
    "badges": [
        {"id": "spender", "title": "Big spender", "event": "purchase"},
        {"id": "quiz_master"},
    ],
    "challenges": [
        {
            "id": "fitness",
            "title": "Fitness month",
            "window": "monthly",
            "needs": 2,
            "claim": "manual",
            "objectives": [
                {"id": "five", "event": "quiz", "where": {}, "count": 5},
                {"id": "spend", "event": "purchase", "sum": "amount", "target": 99.5},
                {"id": "genres", "event": "video", "distinct": "a.b", "target": 3},
                {"id": "best", "event": "quiz", "max": "score", "target": 80},
            ],
            "rewards": [
                {"points": 100},
                {"currency": "gem", "amount": 5},
                {"badge": "quiz_master"},
                {"badge": "spender"},
                {"item": "boots"},
                {"item": "hat", "quantity": 2},
            ],
        },
        {"id": "walker", "objectives": [{"event": "walk", "count": 1}]},
    ],
}
USD = Clause(Path("currency"), "eq", "USD")
BOUGHT = Listener(kind="custom.purchase")
QUIZ = Listener(kind="custom.quiz")
VIDEO = Listener(kind="custom.video")
CART_TOTAL = Path("cart.total", ("cart", "total"))
BOOK = Rulebook(
    timezone="Europe/Berlin",
    week_starts="sunday",
    currencies=("points", "coin", "gem"),
    earn=(
        EarnRule(
            id="one-per-unit",
            hears=Listener(kind="custom.purchase", where=USD),
            currency="points",
            of=CART_TOTAL,
            times=1_500_000,
        ),
        EarnRule(id="shiny", hears=Listener(kind="badge.awarded"), currency="gem", fixed=5),
        EarnRule(
            id="more",
            hears=Listener(kind="custom.x"),
            currency="coin",
            of=Path("n"),
            times=ONE,
        ),
    ),
    badges=(
        Badge(id="spender", title="Big spender", hears=BOUGHT),
        Badge(id="quiz_master", title="quiz_master"),
    ),
    challenges=(
        Challenge(
            id="fitness",
            title="Fitness month",
            window=Window("monthly"),
            needs=2,
            claim="manual",
            objectives=(
                Objective(id="five", hears=QUIZ, measure="count", target=5 * ONE),
                Objective(
                    id="spend",
                    hears=BOUGHT,
                    measure="sum",
                    of=Path("amount"),
                    target=99_500_000,
                ),
                Objective(
                    id="genres",
                    hears=VIDEO,
                    measure="distinct",
                    of=Path("a.b", ("a", "b")),
                    target=3 * ONE,
                ),
                Objective(id="best", hears=QUIZ, measure="max", of=Path("score"), target=80 * ONE),
            ),
            rewards=(
                PointsReward("points", 100),
                PointsReward("gem", 5),
                BadgeReward("quiz_master", "quiz_master"),
                BadgeReward("spender", "Big spender"),
                ItemReward("boots", 1),
                ItemReward("hat", 2),
            ),
        ),
        Challenge(
            id="walker",
            title="walker",
            window=Window("lifetime"),
            needs=1,
            claim="automatic",
            objectives=(
                Objective(
                    id="walker",
                    hears=Listener(kind="custom.walk"),
                    measure="count",
                    target=ONE,
                ),
            ),
        ),
    ),
)


def test_a_rulebook_reads_as_it_is_written():
    assert parse_rulebook(TREE) == BOOK


def test_an_empty_rulebook_rewards_nothing():
    assert parse_rulebook({}) == Rulebook()


def where(tree):
    """Return the filter that `where` makes."""
    return parse_rulebook(earn(where=tree)).earn[0].hears.where


def clause(operator, value, key="x"):
    return Clause(Path(key, tuple(key.split(".")) if "." in key else ()), operator, value)


@pytest.mark.parametrize(
    ("tree", "holds"),
    [
        ({"x": 5}, clause("eq", 5)),
        ({"x": None}, clause("eq", None)),
        ({"x": [1, "a"]}, clause("eq", [1, "a"])),
        ({"x": {"eq": {"a": [1.5, True]}}}, clause("eq", {"a": [1.5, True]})),
        ({"x": {"gte": 1.15}}, clause("gte", 1_150_000)),
        ({"x": {"in": ["a", 1]}}, clause("in", ["a", 1])),
        ({"x": {"exists": False}}, clause("exists", value=False)),
        ({"a.b": {"contains": "c"}}, clause("contains", "c", "a.b")),
        ({"x": {"gt": 1, "lt": 2}}, All((clause("gt", ONE), clause("lt", 2 * ONE)))),
        ({"x": 1, "y": 2}, All((clause("eq", 1), clause("eq", 2, "y")))),
        ({"any": [{"x": 1}, {"x": 2}]}, Some((clause("eq", 1), clause("eq", 2)))),
        ({"all": [{"x": 1}, {"not": {"x": 2}}]}, All((clause("eq", 1), Not(clause("eq", 2))))),
    ],
)
def test_a_filter_reads_as_it_is_written(tree, holds):
    assert where(tree) == holds


BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        ("2026-06-01", "UTC", "2026-06-01T00:00:00+00:00"),
        ("2026-06-01", "Europe/Berlin", "2026-05-31T22:00:00+00:00"),
        ("2026-06-01T09:30", "Europe/Berlin", "2026-06-01T09:30:00+00:00"),
        ("2026-06-01t09:30:00.5z", "UTC", "2026-06-01T09:30:00.500+00:00"),
        ("2026-06-01 09:30:00+02:00", "UTC", "2026-06-01T07:30:00+00:00"),
        (date(2026, 6, 1), "Europe/Berlin", "2026-05-31T22:00:00+00:00"),
        (datetime(2026, 6, 1, 9, 30), "Europe/Berlin", "2026-06-01T09:30:00+00:00"),  # noqa: DTZ001 - as YAML makes them
        (datetime(2026, 6, 1, 9, 30, tzinfo=BERLIN), "UTC", "2026-06-01T07:30:00+00:00"),
    ],
)
def test_a_window_may_have_its_own_borders(written, zone, moment):
    window = {"from": written, "to": "2030-01-01"}
    book = parse_rulebook(challenge(window=window) | {"timezone": zone})
    starts = book.challenges[0].window.starts
    assert starts is not None
    assert datetime.fromtimestamp(starts / 1000, UTC) == datetime.fromisoformat(moment)


def test_a_window_may_have_one_border_only():
    window = parse_rulebook(challenge(window={"to": "1970-01-02"})).challenges[0].window
    assert window == Window("fixed", None, 86_400_000)


@pytest.mark.parametrize(("needs", "number"), [("all", 2), ("any", 1), (1, 1), (2, 2)])
def test_a_challenge_needs_all_any_or_some(needs, number):
    objectives = [{"id": "a", "event": "x", "count": 1}, {"id": "b", "event": "y", "count": 1}]
    book = parse_rulebook(challenge(objectives=objectives, needs=needs))
    assert book.challenges[0].needs == number


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        (None, "rulebook: must be a mapping of keys to values, not nothing"),
        ([], "rulebook: must be a mapping of keys to values, not a list"),
        ({1: 2}, "rulebook: a key must be text, not the number 1; put it in quotes"),
        ({"\ud800": 2}, "rulebook: a key holds a character that is no text; take it out"),
        ({"chalenges": []}, 'chalenges: unknown key "chalenges": did you mean `challenges`?'),
        ({"earn": {}}, "earn: must be a list, not a mapping"),
        ({"earn": ["x"]}, 'earn[0]: must be a mapping of keys to values, not the text "x"'),
        # Calendar and currencies.
        ({"timezone": "Europe/Berln"}, "did you mean `Europe/Berlin`?"),
        ({"timezone": "../etc/passwd"}, 'timezone: unknown time zone "../etc/passwd"'),
        ({"timezone": 2}, "timezone: must be text, not the number 2; put it in quotes"),
        ({"week_starts": "sonday"}, 'unknown word "sonday": did you mean `sunday`?'),
        ({"currencies": []}, "currencies: must name at least one currency"),
        ({"currencies": ["a", "a"]}, "currencies[1]: `a` is there twice"),
        ({"currencies": ["@mint"]}, 'currencies[0]: "@mint" must be 1 to 100 of the characters'),
        # Ids.
        (earn(id=True), "earn[0].id: must be text, not the boolean true; put it in quotes"),
        (earn(id="-x"), 'earn[0].id: "-x" must be 1 to 100 of the characters A-Z a-z 0-9 _ - . :'),
        (earn(id="x" * 101), "earn[0].id: "),
        (earn(id=""), "earn[0].id: must have 1 to 5,000 characters"),
        (earn(id="ünder"), 'earn[0].id: "ünder" must be'),
        ({"earn": [{"event": "x", "points": 1}]}, "earn[0].id: is missing"),
        ({"earn": [SIGNUP, SIGNUP]}, "earn[1].id: `welcome` is there twice; ids must differ"),
        ({"badges": [{"id": "b"}, {"id": "b"}]}, "badges[1].id: `b` is there twice"),
        ({"challenges": [GOAL, GOAL]}, "challenges[1].id: `goal` is there twice"),
        # What a rule hears.
        (earn(event="a\0b"), "earn[0].event: holds a character that is no text"),
        (earn(event=5), "earn[0].event: must be text, not the number 5; put it in quotes"),
        (earn(event="x" * 5001), "earn[0].event: must have 1 to 5,000 characters"),
        (earn(fact="custom.x"), "earn[0]: hears an `event` or a `fact`, not both"),
        ({"earn": [{"id": "a", "points": 1}]}, "earn[0]: needs an `event` or a `fact` to hear"),
        (
            {"earn": [{"id": "a", "fact": "badge.award", "points": 1}]},
            'earn[0].fact: unknown fact "badge.award": did you mean `badge.awarded`?',
        ),
        (
            {"earn": [{"id": "a", "fact": "custom.", "points": 1}]},
            'earn[0].fact: unknown fact "custom."',
        ),
        (
            {"badges": [{"id": "b", "where": {"x": 1}}]},
            "badges[0].where: needs an `event` or a `fact` whose data it is about",
        ),
        # What it pays.
        (earn(points=0), "earn[0].points: must be a whole number from 1 to 1,000,000,000,000,000"),
        (earn(points=AMOUNT_MAX + 1), "earn[0].points: must be a whole number from 1 to"),
        (earn(points=10**5000), "not a huge number"),
        (earn(points=1.5), "must be a whole number, not the number 1.5; write digits only"),
        (earn(points="50"), 'must be a whole number, not the text "50"; write digits only'),
        (earn(points=True), "earn[0].points: must be a whole number, not the boolean true"),
        (earn(points={"times": 2}), "earn[0].points.of: is missing"),
        (earn(points={"of": "x", "times": 0}), "earn[0].points.times: must be at least 0.000001"),
        (earn(points={"of": "x", "time": 1}), "did you mean `times`?"),
        (earn(amount=5), "earn[0]: needs exactly one of `points`, `currency`"),
        ({"earn": [{"id": "a", "event": "x"}]}, "earn[0]: needs exactly one of `points`"),
        (
            {"earn": [{"id": "a", "event": "x", "amount": 5}]},
            "earn[0].currency: is missing",
        ),
        (
            {"earn": [{"id": "a", "event": "x", "currency": "points"}]},
            "earn[0].amount: is missing",
        ),
        (
            {"earn": [{"id": "a", "event": "x", "currency": "point", "amount": 5}]},
            'earn[0].currency: unknown currency "point": did you mean `points`?',
        ),
        # Challenges.
        (challenge(objectives=[]), "challenges[0].objectives: must have at least one objective"),
        ({"challenges": [{"id": "a"}]}, "challenges[0].objectives: is missing"),
        (challenge(titel="x"), 'challenges[0].titel: unknown key "titel": did you mean `title`?'),
        (challenge(title=None), "challenges[0].title: must be text, not nothing"),
        (challenge(claim="auto"), 'unknown word "auto": did you mean `automatic`?'),
        (challenge(needs="some"), "needs: must be `all`, `any` or a number from 1 to 1"),
        (challenge(needs=2), "challenges[0].needs: must be a whole number from 1 to 1, not 2"),
        # Windows.
        (challenge(window="dayly"), 'challenges[0].window: unknown word "dayly": did you mean'),
        (challenge(window=5), "challenges[0].window: must be text, not the number 5"),
        (challenge(window={}), "challenges[0].window: needs `from`, `to`, or both; or `days`"),
        (challenge(window={"from": 5}), "challenges[0].window.from: must be text, not the number"),
        (challenge(window={"from": "2026-13-01"}), '"2026-13-01" is no date; write 2026-03-01'),
        (challenge(window={"from": "20260301"}), '"20260301" is no date; write 2026-03-01'),
        (challenge(window={"to": "1899-01-01"}), "window.to: must be a date from 1900 to 9998"),
        (challenge(window={"to": "9999-12-31"}), "window.to: must be a date from 1900 to 9998"),
        (
            challenge(window={"from": "2026-01-02", "to": "2026-01-02"}),
            "challenges[0].window.to: must be later than `from`",
        ),
        # Objectives.
        (objective(), "objectives[0]: needs exactly one of `count`, `sum`, `distinct`, `max`"),
        (objective(count=1, sum="x", target=1), "objectives[0]: needs exactly one of `count`"),
        (objective(count=1, target=1), "objectives[0].target: a count is its own target"),
        (objective(count=0), "objectives[0].count: must be a whole number from 1 to 9,000,000,000"),
        (objective(sum="x"), "challenges[0].objectives[0].target: is missing"),
        (objective(sum="x", target=-1), "objectives[0].target: must be at least 0.000001, not -1"),
        (objective(sum="x", target=1e-9), "target: must be at least 0.000001, not 1e-09"),
        (objective(sum="x", target=9e9 + 1), "target: must be a number within ±9,000,000,000"),
        (objective(max="x", target=float("nan")), "must be a number within ±9,000,000,000"),
        (objective(max="x", target="5"), "must be a number, not the text"),
        (objective(distinct="x", target=1.5), "objectives[0].target: must be a whole number"),
        (objective(distinct=[], target=1), "objectives[0].distinct: must be text, not a list"),
        (
            challenge(
                objectives=[{"event": "x", "count": 1}, {"id": "b", "event": "x", "count": 1}]
            ),
            "challenges[0].objectives[0].id: is missing",
        ),
        (
            challenge(objectives=[{"id": "a", "event": "x", "count": 1}] * 2),
            "challenges[0].objectives[1].id: `a` is there twice",
        ),
        # Rewards.
        (
            challenge(rewards=[{}]),
            "rewards[0]: needs exactly one of `points`, `currency`, `badge`, `item`",
        ),
        (challenge(rewards=[{"points": 1, "badge": "b"}]), "rewards[0]: needs exactly one of"),
        (challenge(rewards=[{"badge": "b"}]), 'unknown badge "b": the rulebook has none'),
        (challenge(rewards=[{"quantity": 2}]), "challenges[0].rewards[0].item: is missing"),
        (challenge(rewards=[{"item": "hat", "quantity": 0}]), "rewards[0].quantity: must be"),
        (challenge(rewards=[{"amount": 5}]), "challenges[0].rewards[0].currency: is missing"),
        # Filters.
        (earn(where=5), "earn[0].where: must be a mapping of keys to values, not the number 5"),
        (earn(where={"": 5}), 'earn[0].where[""]: a property\'s name must have at least one'),
        (earn(where={"x": {}}), "earn[0].where.x: must have an operator such as `eq` or `gte`"),
        (earn(where={"x": {"gt3": 5}}), 'where.x.gt3: unknown operator "gt3": did you mean `gt`?'),
        (earn(where={"a.b": {"$gt": 5}}), 'earn[0].where["a.b"]["$gt"]: unknown operator "$gt"'),
        (
            earn(where={"x": {"gte": "5"}}),
            'earn[0].where.x.gte: must be a number, not the text "5"',
        ),
        (earn(where={"x": {"exists": 1}}), "x.exists: must be true or false, without quotes"),
        (earn(where={"x": {"in": "a"}}), 'earn[0].where.x.in: must be a list, not the text "a"'),
        (earn(where={"x": {"in": []}}), "earn[0].where.x.in: must have at least one entry"),
        (earn(where={"x": {"eq": 1e10}}), "where.x.eq: must be a number within ±9,000,000,000"),
        (earn(where={"x": [1, [1e10]]}), "earn[0].where.x[1][0]: must be a number within"),
        (earn(where={"x": date(2026, 1, 1)}), "must be a value of JSON, not the date 2026-01-01"),
        (earn(where={"any": []}), "earn[0].where.any: must have at least one entry"),
        (earn(where={"any": {}}), "earn[0].where.any: must be a list, not a mapping"),
        (earn(where={"not": {}}), "earn[0].where.not: must name at least one property"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(tree, problem):
    found = problems(tree)
    assert problem in found[0]
    assert len(found) == 1


def test_all_problems_are_told_at_once():
    tree = {
        "timezone": "Mars/Base",
        "earn": [{"id": True, "evnt": "x", "points": -1}],
        "challenges": [{"id": "c", "objectivs": [], "rewards": [{"badge": "b"}]}],
    }
    places = [problem.split(": ")[0] for problem in problems(tree)]
    assert places == [
        "timezone",
        "earn[0].evnt",
        "earn[0].id",
        "earn[0]",
        "earn[0].points",
        "challenges[0].objectivs",
        "challenges[0].objectives",
        "challenges[0].rewards[0].badge",
    ]


def test_a_thousand_problems_are_too_many_to_tell():
    found = problems({"earn": [5] * 1000})
    assert len(found) == 101
    assert found[-1] == "rulebook: and perhaps more: reading stopped after 100 problems"


def test_a_long_text_is_shown_shortened():
    assert problems({"timezone": "x" * 4000})[0].startswith(
        f'timezone: unknown time zone "{"x" * 59}…'
    )


def test_filters_may_nest_only_so_deep():
    tree = {"x": 1}
    for _ in range(15):
        tree = {"not": tree}
    assert where(tree)
    assert "filters may nest 16 deep" in problems(earn(where={"not": tree}))[0]


def test_values_may_nest_only_so_deep():
    value: Any = 1
    for _ in range(63):
        value = [value]
    assert where({"x": value})
    assert "values may nest 64 deep" in problems(earn(where={"x": {"eq": [value]}}))[0]


def test_a_rulebook_may_have_only_so_many_rules():
    badges = [{"id": f"b{n}"} for n in range(RULES_MAX)]
    assert parse_rulebook({"badges": badges})
    (found,) = problems({"badges": badges, **challenge()})
    assert found == (
        "rulebook: may have 10,000 earn rules, badges, objectives, streaks, leaderboards, contests "
        "and rewards together; split it"
    )


WORDS = (
    "earn badges challenges campaigns tiers streaks leaderboards contests rewards id event where "
    "objectives count points window from needs any not gte of cap days milestones at by levels "
    "freezes price score sum prizes ranks"
)
TREES = st.recursive(
    strategies.scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(TREES)
def test_whatever_is_no_rulebook_is_refused_and_no_more(tree):
    try:
        parse_rulebook(tree)
    except RulebookRefused:
        return


def places(tree, at=()):
    """Yield the way to every value of a tree."""
    yield at
    inner = tree.items() if isinstance(tree, dict) else ()
    inner = enumerate(tree) if isinstance(tree, list) else inner
    for key, value in inner:
        yield from places(value, (*at, key))


def put(tree, at, value):
    """Return the tree with another value at a place."""
    if not at:
        return value
    copy = tree.copy()
    copy[at[0]] = put(tree[at[0]], at[1:], value)
    return copy


PLACES = list(places(FULL))
ODD = st.sampled_from(["points", "x", "2-3", "asked", "goal", 1, 10**4, {}, [], [[]], {"days": 5}])


@given(st.sampled_from(PLACES), TREES | ODD)
def test_a_rulebook_with_something_odd_in_it_is_read_or_refused_and_no_more(at, value):
    tree = put(FULL, at, value)
    try:
        parse_rulebook(tree)
    except RulebookRefused:
        return


def test_a_rulebook_may_have_a_little_of_everything():
    book = parse_rulebook(FULL)
    assert [len(getattr(book, name)) for name in ("earn", "challenges", "contests")] == [3, 2, 1]
