"""What holds for every history: folds, orders, sums, late settlements, and deciding twice."""

from collections import defaultdict
from functools import cache

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.cast import HOUR, LONG, NOON
from tests.core.story import Stage, told

from laurels.core.change import Change, PointsPosted
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide_fact
from laurels.core.draft import Draft
from laurels.core.errors import LaurelsError
from laurels.core.event import Fact
from laurels.core.evolve import evolve
from laurels.core.ledger import EXPIRED, MINT, SPENT, account_of, held_account_of, total
from laurels.core.rules.chain import Occasion
from laurels.core.section import HOLD, LOTS, StreakRecord
from laurels.core.shared import share
from laurels.core.state import State
from laurels.core.timer import settle_all
from laurels.core.window import EPOCH, MILLISECOND
from laurels.engine.rulebook_text import load_rulebook

EVERYTHING = """
timezone: Europe/Berlin
currencies: [points, {id: gem, expires: {days: 2}}]
incidents: [{from: 2024-05-12T10:00:00Z, to: 2024-05-12T12:00:00Z}]
campaigns: [{id: spring, starts: 2024-05-10, ends: 2024-05-20, multiplier: 1.5}]
tiers:
  by: points
  levels: [{id: silver, at: 10, multiplier: 1.5}, {id: gold, at: 40, keep: 5}]
  requalify: {every: monthly, grace_days: 2}
earn:
  - id: unit
    event: buy
    points: {of: amount, times: 1.5}
    campaign: spring
    cap: {points: 20, per: weekly}
  - {id: flash, event: login, points: 3, expires: {days: 1}, cap: {times: 2, per: daily}}
  - {id: gem, event: see, currency: gem, amount: 1}
  - {id: bonus, fact: challenge.completed, points: 3}
  - {id: comfort, fact: streak.broken, points: 2, expires: {days: 3}}
badges:
  - {id: spender, event: buy, where: {amount: {gt: 3}}}
  - {id: finisher, fact: challenge.claimed}
  - {id: given}
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
    rewards: [{reward: mug}]
  - {id: hunt, objectives: [{fact: badge.awarded, count: 2}], rewards: [{currency: gem, amount: 9}]}
  - id: sprint
    window: {days: 2, begins: enrolment}
    enrolment: asked
    repeat: 2
    objectives:
      - {id: one, event: login, count: 1}
      - {id: two, event: see, count: 2, after: [one]}
  - id: rolls
    window: {days: 3}
    drop_off_hours: 10
    requires: [daily]
    objectives: [{event: login, count: 3}]
    milestones: [{at: 2, rewards: [{freeze: visits}]}]
  - {id: gone, objectives: [{fact: challenge.drop_off, count: 2}], rewards: [{badge: given}]}
streaks:
  - id: visits
    event: login
    grace_hours: 3
    freezes: {cap: 2, earn_every: 2, price: {points: 1}}
    milestones: [{at: 2, rewards: [{points: 4}]}, {at: 3, rewards: [{reward: mug}]}]
  - {id: asked, event: see, freezes: {cap: 1, apply: asked}}
  - {id: weeks, event: buy, every: week}
leaderboards:
  - {id: rich, score: {sum: points}, period: weekly, segment: country}
  - {id: best, event: buy, score: {max: amount}}
contests:
  - id: cup
    event: buy
    score: {sum: amount, weight: 2}
    starts: 2024-05-10
    ends: 2024-05-30
    prizes: [{ranks: 1, rewards: [{points: 5}, {item: cup, quantity: 1}]}]
    velocity: {per_minute: 5, per_hour: 15, action: hold}
rewards:
  - {id: mug, price: {points: 3}, stock: 3, per_participant: unlimited}
  - {id: code, codes: true, per_participant: 2}
"""

OPEN_ENDED = """
timezone: Europe/Berlin
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1.5}, expires: {days: 30}}
  - {id: see, event: see, points: 2}
  - {id: gem, event: see, currency: gem, amount: 2, cap: {times: 2, per: daily}}
challenges:
  - {id: count, window: daily, objectives: [{event: buy, count: 1000}]}
  - {id: sum, window: weekly, objectives: [{event: buy, sum: amount, target: 1000}]}
  - {id: distinct, objectives: [{event: see, distinct: what, target: 1000}]}
  - {id: max, window: monthly, objectives: [{event: buy, max: amount, target: 1000}]}
  - {id: chained, window: daily, objectives: [{fact: points.posted, sum: amount, target: 1000}]}
streaks:
  - {id: days, event: buy}
  - {id: graced, event: login, grace_hours: 3}
  - {id: weeks, event: login, every: week, grace_hours: 20}
  - {id: pairs, event: see, every: {days: 2}}
leaderboards:
  - {id: counted, event: buy, score: count, period: daily}
  - {id: summed, event: buy, score: {sum: amount}}
  - {id: best, event: buy, score: {max: amount}, period: weekly}
  - {id: latest, event: buy, score: {latest: amount}}
  - {id: credits, score: {sum: points}, period: monthly}
contests:
  - {id: cup, event: buy, score: {sum: amount}, starts: 2024-05-14, ends: 2024-05-18}
"""
"""Nothing in it is ever completed, so nothing depends on which fact completes it."""

EAGER = """
earn: [{id: bonus, fact: challenge.completed, points: 3}]
badges:
  - {id: spender, event: buy, where: {amount: {gt: 3}}}
  - {id: finisher, fact: challenge.claimed}
challenges:
  - {id: daily, window: daily, objectives: [{event: buy, count: 2}], rewards: [{points: 7}]}
  - {id: spend, objectives: [{event: buy, sum: amount, target: 5}]}
  - {id: hunt, objectives: [{fact: badge.awarded, count: 2}], rewards: [{points: 9}]}
"""

LOOPS = "earn:\n  - {id: r0, event: loop, points: 1}" + "".join(
    f"\n  - {{id: r{n}, fact: points.posted, where: {{rule: r{n - 1}}}, points: 1}}"
    for n in range(1, 101)
)
"""A hundred rules in a row: too long a chain for one event."""


def moment_text(hours):
    return f"{EPOCH + (NOON + hours * HOUR) * MILLISECOND:%Y-%m-%dT%H:%MZ}"


amounts = st.sampled_from(["0", "0.1", "0.2", "0.7", "1", "1.15", "4.9999995", "5"])
any_amounts = amounts | st.sampled_from(["-1", "-0.3", "true", "null", '"1"', "9000000001", ""])
moments = st.sampled_from([-200, -60, -36, -24, -13, -12, -2, 0, 9, 10, 24, 40]).map(moment_text)
values = st.sampled_from(["a", "b", "1", "1.0", "true", "null"])


def reports(amounts=any_amounts):
    """Events of the same few kinds, without their time."""
    buys = amounts.map(lambda amount: f"buy amount={amount}" if amount else "buy")
    return buys | values.map(lambda value: f"see what={value}") | st.just("login")


def told_late(steps):
    return st.builds("{} at {}".format, steps, moments)


asked = st.sampled_from(
    [
        *("claim daily", "claim mix", "enrol sprint", "enrol rolls", "award 5", "award 5 gem"),
        *("deduct 3", "deduct 1 gem", "hold 2", "capture", "capture 1", "release", "badge given"),
        *("tier gold", "record visits", "freeze visits", "freeze asked", "buy freeze visits"),
        *("grant freeze visits 2", "grant freeze asked", "pause visits 2024-05-17 2024-05-18"),
        *("reward mug", "buy reward mug", "reward code", "void", "fulfil", "prize cup 1"),
        *("accept cup", "drop cup", "close cup", "has country=de", "lives in Asia/Tokyo"),
        *("lives in America/New_York", "lives in Europe/Berlin"),
    ]
)
lasting = st.builds("{} until {}".format, st.sampled_from(["award 6", "hold 1"]), moments)
jumps = st.sampled_from(["+1m", "+1h", "+11h", "+1d", "+3d", "+30d"])
somebody = st.sampled_from(["", "", "bob: "])
acts = st.builds(
    str.__add__, somebody, reports() | told_late(reports()) | told_late(reports()) | asked | lasting
)
histories = st.lists(acts | acts | acts | jumps, max_size=25)


def shuffled(steps):
    return st.lists(steps, max_size=20).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )


@cache
def compiled(rulebook):
    return compile_rulebook(load_rulebook(rulebook), 1)


class Witness(Stage):
    """Somebody who writes down what is decided, as it is written to the journal."""

    def __init__(self, rulebook):
        super().__init__(compiled(rulebook))
        self.first_shared = self.shared
        self.journal = []

    def keep(self, who, decision):
        self.journal.append((who, msgspec.json.encode(decision.changes)))
        return super().keep(who, decision)

    def changes(self):
        for who, text in self.journal:
            yield who, msgspec.json.decode(text, type=tuple[Change, ...])


def witness(rulebook, steps):
    played = Witness(rulebook)
    outcome = list(played.play([*steps, "+0m"]))
    return played, outcome


def pictures(played):
    return {who: state.picture() for who, state in played.states.items()}


def untold(state):
    """
    Return a picture without what late facts find told, of streaks, and without which fact it was
    that moved a maximum or brought a value first.
    """
    *others, touched, sections = state.picture()
    windows = {
        (counted, name): each if counted.startswith("/") else replace(each, reached_at=None)
        for counted, windows in touched.items()
        for name, each in windows.items()
    }
    records = {
        name: replace(each, told=None, last_at=None)
        for name, each in sections.items()
        if isinstance(each, StreakRecord)
    }
    return others, windows, sections | records


def measures(state, challenges):
    """Return counters, sums, distinct sets and maxima, of every window."""
    return {
        (challenge, window): (progress.measures, progress.seen)
        for challenge in challenges
        for window, progress in state.windows(challenge).items()
    }


@settings(max_examples=100 * LONG, deadline=None)
@given(histories)
def test_a_state_is_the_fold_of_its_journal(steps):
    played, _ = witness(EVERYTHING, steps)
    folded, shared = defaultdict(State), played.first_shared
    for who, changes in played.changes():
        draft = Draft(folded[who])
        for change in changes:
            evolve(draft, change)
        draft.fold_in()
        shared = share(shared, changes)

    assert {who: folded[who].picture() for who in played.states} == pictures(played)
    assert shared == played.shared


@settings(max_examples=100 * LONG, deadline=None)
@given(shuffled(reports() | told_late(reports())))
def test_all_is_the_same_in_any_order_where_no_rule_asks_for_it(orders):
    first, second = (witness(OPEN_ENDED, order)[0].states for order in orders)

    assert {who: untold(state) for who, state in first.items()} == {
        who: untold(state) for who, state in second.items()
    }


@settings(max_examples=100 * LONG, deadline=None)
@given(shuffled(reports() | told_late(reports()) | st.just("loop")))
def test_what_is_measured_is_the_same_in_any_order(orders):
    # A fact that is refused changes nothing in either order; badges come in another.
    first, second = (witness(EVERYTHING, order)[0].states.get("ann") for order in orders)

    if first is not None:
        challenges = ("daily", "mix")
        assert measures(first, challenges) == measures(second, challenges)


@settings(max_examples=100 * LONG, deadline=None)
@given(shuffled(reports(amounts)))
def test_what_happens_at_one_moment_completes_the_same_in_any_order(orders):
    first, second = (witness(EAGER, order)[0] for order in orders)

    assert pictures(first) == pictures(second)


@settings(max_examples=100 * LONG, deadline=None)
@given(histories)
def test_it_is_all_the_same_whether_time_is_noticed_at_once_or_late(steps):
    late_steps = [f"stopped {step}" if step.startswith("+") else step for step in steps]
    (prompt, outcome), (late, late_outcome) = (
        witness(EVERYTHING, some) for some in (steps, late_steps)
    )

    assert outcome == late_outcome
    assert pictures(prompt) == pictures(late)
    assert prompt.shared == late.shared
    dues = [{who: state.due for who, state in each.states.items()} for each in (prompt, late)]
    assert dues[0] == dues[1]


@settings(max_examples=100 * LONG, deadline=None)
@given(histories, st.integers(1, 100 * 24))
def test_a_look_sees_what_time_will_have_done(steps, hours):
    played, _ = witness(EVERYTHING, steps)
    now = played.clock + hours * HOUR
    looked_at = {who: State(state.encode()) for who, state in played.states.items()}
    for who, state in looked_at.items():
        settle_all(played.rulebook, state, Occasion(who, now, "", played.shared))
        assert state.due_at is None or state.due_at > now
    list(played.pass_time(now))

    assert {who: state.picture() for who, state in looked_at.items()} == pictures(played)


@settings(max_examples=100 * LONG, deadline=None)
@given(histories)
def test_points_are_neither_made_nor_lost(steps):
    played, _ = witness(EVERYTHING, steps)
    lies = defaultdict(int)
    for _, changes in played.changes():
        for change in changes:
            if isinstance(change, PointsPosted):
                lies[change.source, change.currency] -= change.amount
                lies[change.target, change.currency] += change.amount
                assert change.amount > 0
                assert change.balance >= 0

    assert sum(lies.values()) == 0
    own = {call(who) for who in played.states for call in (account_of, held_account_of)}
    assert {account for account, _ in lies} <= {MINT, SPENT, EXPIRED, *own}
    for who, state in played.states.items():
        for currency, balance in state.balances.items():
            assert balance.amount == lies[account_of(who), currency]
            assert balance.held == lies[held_account_of(who), currency]


@settings(max_examples=100 * LONG, deadline=None)
@given(histories)
def test_no_balance_is_below_zero_and_lots_are_part_of_it(steps):
    played, _ = witness(EVERYTHING, steps)
    for state in played.states.values():
        holds = [hold for key in state.keys(HOLD) if (hold := state.read(HOLD, key))]
        for currency, balance in state.balances.items():
            assert min(balance.amount, balance.earned, balance.spent, balance.held) >= 0
            assert balance.amount + balance.spent + balance.held <= balance.earned
            lots = state.read(LOTS, currency) or ()
            assert total(lots) <= balance.amount
            mine = [hold for hold in holds if hold.currency == currency]
            assert sum(hold.amount for hold in mine) == balance.held
            assert all(total(hold.lots) <= hold.amount for hold in mine)


facts = st.lists(
    st.builds(
        Fact,
        st.sampled_from(["custom.buy", "custom.see", "custom.login", "custom.loop"]),
        st.fixed_dictionaries(
            {"amount": st.sampled_from([0, 0.7, 5, -1, True, None, 9_000_000_001]), "what": values}
        ),
        st.integers(-4, 4).map(lambda days: NOON + days * 24 * HOUR),
    ),
    max_size=10,
)


@settings(max_examples=50 * LONG, deadline=None)
@given(histories, facts, st.sampled_from([EVERYTHING, LOOPS]))
def test_deciding_twice_gives_the_same_and_touches_nothing(steps, facts, rulebook):
    played, _ = witness(EVERYTHING, steps)
    state = played.states.get("ann", State())
    picture, text = state.picture(), state.encode()
    for fact in facts:
        heard = []
        for _ in range(2):
            occasion = Occasion("ann", played.clock, "x", played.shared)
            try:
                heard.append(decide_fact(compiled(rulebook), state, fact, occasion).changes)
            except LaurelsError as error:
                heard.append(type(error))

        assert heard[0] == heard[1]
    assert (state.picture(), state.encode()) == (picture, text)


def test_a_chain_that_is_too_long_is_refused_in_the_middle_of_a_story():
    assert told(LOOPS, "award 2; loop; balance?") == (
        "points 2; ChainTooLong; 2 (2 earned, 0 spent, 0 held)"
    )
