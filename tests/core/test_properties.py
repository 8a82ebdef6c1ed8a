"""What holds for every rulebook and every history: folds, orders, sums, and deciding twice."""

from collections import defaultdict
from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cast import DAY, LONG, NOON

from laurels.core.change import Change, PointsPosted
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide
from laurels.core.errors import LaurelsError
from laurels.core.event import Fact
from laurels.core.evolve import evolve
from laurels.core.ledger import account_of, is_house
from laurels.core.state import Draft, State
from laurels.engine.rulebook_text import load_rulebook

EVERYTHING = """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1.5}}
  - {id: gem, event: see, currency: gem, amount: 1}
  - {id: bonus, fact: challenge.completed, points: 3}
  - {id: circle, event: loop, points: 1}
  - {id: again, fact: points.posted, where: {rule: {in: [circle, again]}}, points: 1}
badges:
  - {id: spender, event: buy, where: {amount: {gt: 3}}}
  - {id: finisher, fact: challenge.claimed}
challenges:
  - id: daily
    window: daily
    objectives: [{event: buy, count: 2}]
    rewards: [{points: 7}, {item: boots, quantity: 2}]
  - id: mix
    window: weekly
    needs: 2
    claim: manual
    objectives:
      - {id: spend, event: buy, sum: amount, target: 5}
      - {id: variety, event: see, distinct: what, target: 3}
      - {id: peak, event: buy, max: amount, target: 4}
  - {id: hunt, objectives: [{fact: badge.awarded, count: 2}], rewards: [{currency: gem, amount: 9}]}
"""

OPEN_ENDED = """
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1.5}}
  - {id: see, event: see, points: 2}
challenges:
  - {id: count, window: daily, objectives: [{event: buy, count: 1000}]}
  - {id: sum, window: weekly, objectives: [{event: buy, sum: amount, target: 1000}]}
  - {id: distinct, objectives: [{event: see, distinct: what, target: 1000}]}
  - {id: max, window: monthly, objectives: [{event: buy, max: amount, target: 1000}]}
  - {id: chained, window: daily, objectives: [{fact: points.posted, sum: amount, target: 1000}]}
"""
"""Nothing in it is ever completed, so nothing depends on which fact completes it."""

amounts = st.sampled_from([0, 0.1, 0.2, 0.7, 1, 1.15, 2, 4.9999995, 5]) | st.floats(0, 9)
any_amounts = amounts | st.sampled_from([-1, -0.3, True, None, "1", 9_000_000_001])
moments = st.integers(-4, 4).map(lambda days: NOON + days * DAY)


def facts(amounts, moments=moments):
    what = st.sampled_from(["a", "b", 1, 1.0, True, None])
    return st.lists(
        st.builds(Fact, st.just("custom.buy"), st.fixed_dictionaries({"amount": amounts}), moments)
        | st.builds(Fact, st.just("custom.see"), st.fixed_dictionaries({"what": what}), moments)
        | st.builds(Fact, st.just("custom.loop"), st.just({}), moments),
        max_size=20,
    )


@cache
def compiled(rulebook):
    return compile_rulebook(load_rulebook(rulebook), 1)


def live(rulebook, facts):
    """Decide one fact after the other; return the state and the journal as it is written."""
    state, journal = State(), []
    for fact in facts:
        try:
            changes, draft = decide(compiled(rulebook), state, fact, "ann")
        except LaurelsError:
            continue
        draft.fold_in()
        journal.append(msgspec.json.encode(changes))
    return state, journal


def measures(state, challenges=("daily", "mix", "hunt")):
    """Return counters, sums, distinct sets and maxima, of every window."""
    return {
        (challenge, window): (progress.measures, progress.seen)
        for challenge in challenges
        for window, progress in state.windows(challenge).items()
    }


@settings(max_examples=100 * LONG)
@given(facts(any_amounts))
def test_a_state_is_the_fold_of_its_journal(facts):
    state, journal = live(EVERYTHING, facts)
    folded = State()
    for text in journal:
        draft = Draft(folded)
        for change in msgspec.json.decode(text, type=tuple[Change, ...]):
            evolve(draft, change)
        draft.fold_in()

    assert folded.picture() == state.picture()
    assert State(state.encode()).picture() == state.picture()


@settings(max_examples=100 * LONG)
@given(facts(any_amounts).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_what_is_measured_is_the_same_in_any_order(orders):
    # A fact that chains are refused for changes nothing in either order; badges come in another.
    first, second = (live(EVERYTHING, order)[0] for order in orders)

    assert measures(first, ("daily", "mix")) == measures(second, ("daily", "mix"))


@settings(max_examples=100 * LONG)
@given(facts(any_amounts).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_all_is_the_same_in_any_order_where_no_rule_asks_for_it(orders):
    first, second = (live(OPEN_ENDED, order)[0] for order in orders)

    assert first.picture() == second.picture()


@settings(max_examples=100 * LONG)
@given(
    facts(amounts, st.just(NOON)).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_what_happens_at_one_moment_completes_the_same_in_any_order(orders):
    first, second = (live(EVERYTHING, order)[0] for order in orders)

    assert first.picture() == second.picture()


@settings(max_examples=100 * LONG)
@given(facts(any_amounts))
def test_points_are_neither_made_nor_lost(facts):
    state, journal = live(EVERYTHING, facts)
    held = defaultdict(int)
    for text in journal:
        for change in msgspec.json.decode(text, type=tuple[Change, ...]):
            if isinstance(change, PointsPosted):
                held[change.source, change.currency] -= change.amount
                held[change.target, change.currency] += change.amount
    own = {
        currency: amount for (account, currency), amount in held.items() if not is_house(account)
    }

    assert sum(held.values()) == 0
    assert {account for account, _ in held} <= {"@mint", account_of("ann")}
    assert all(amount >= 0 for amount in own.values())
    assert own == {currency: balance.amount for currency, balance in state.balances.items()}


@settings(max_examples=100 * LONG)
@given(facts(any_amounts), facts(any_amounts))
def test_deciding_twice_gives_the_same_and_touches_nothing(before, asked):
    state, _ = live(EVERYTHING, before)
    picture, text = state.picture(), state.encode()
    for fact in asked:
        heard = []
        for _ in range(2):
            try:
                heard.append(decide(compiled(EVERYTHING), state, fact, "ann").changes)
            except LaurelsError as error:
                heard.append(type(error))

        assert heard[0] == heard[1]
    assert (state.picture(), state.encode()) == (picture, text)
