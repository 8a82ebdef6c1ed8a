"""What holds for every streak: any order of facts, any time of settling, and a model day by day."""

from datetime import date
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.cast import DAY, HOUR, LONG, SHOP
from tests.streak_story import streak as rulebook_of

from laurels.core.change import StreakMilestoneReached
from laurels.core.command import Freeze, Pause, RecordStreak, Tick
from laurels.core.compile import compile_rulebook
from laurels.core.course import Course, Run
from laurels.core.decide import decide
from laurels.core.errors import Refusal
from laurels.core.period import begins_at, judged_at, merge, open_period, period_of
from laurels.core.rulebook import Freezes, Incident, Listener, Streak
from laurels.core.section import STREAK, StreakRecord
from laurels.core.state import State
from laurels.core.streak import due, extend, picture, place, untold
from laurels.core.window import Calendar, midnight
from laurels.engine.rulebook_text import load_rulebook

SPRING, AUTUMN = midnight(date(2024, 3, 25), "UTC"), midnight(date(2024, 10, 21), "UTC")
"""A week before clocks change in Berlin."""

berlin = Calendar("Europe/Berlin", "sunday")
calendars = st.sampled_from([Calendar(), berlin, Calendar("America/New_York", "saturday")])
units = st.sampled_from([("day", 1), ("day", 1), ("day", 1), ("day", 2), ("week", 1), ("month", 1)])
stocks = st.none() | st.builds(
    Freezes,
    cap=st.integers(1, 3),
    earn_every=st.integers(0, 3),
    apply=st.sampled_from(["automatic", "asked"]),
)


@st.composite
def streaks(draw):
    unit, length = draw(units)
    hours = draw(st.sampled_from([0, 3, 3, 23]))
    return Streak(
        id="visits",
        title="visits",
        hears=Listener(kind="custom.visit"),
        unit=unit,
        length=length,
        grace_hours=hours,
        freezes=draw(stocks),
    )


def moments(begin=SPRING, days=14):
    """Hours, and mostly those in which it matters: just before and after midnight."""
    hours = st.sampled_from([-2, -1, 0, 1, 2, 4, 12])
    near = st.builds(lambda day, hour: begin + day * DAY + hour * HOUR, st.integers(0, days), hours)
    return near | st.integers(0, days * 24).map(lambda hour: begin + hour * HOUR)


facts = st.sampled_from([SPRING, AUTUMN]).flatmap(
    lambda begin: st.lists(moments(begin), max_size=14)
)


def hear(streak, record, at, calendar):
    placed = place(streak, record, at, calendar)
    return record if placed is None else extend(record, placed[0], early=placed[1])


def recorded(streak, visits, calendar, **more):
    record = StreakRecord(**more)
    for at in visits:
        record = hear(streak, record, at, calendar)
    return record


@settings(max_examples=200 * LONG)
@given(streaks(), facts, st.randoms(use_true_random=False), calendars)
def test_the_order_of_visits_leaves_no_trace(streak, visits, random, calendar):
    shuffled = random.sample(visits, len(visits))
    record = recorded(streak, visits, calendar)

    assert recorded(streak, shuffled, calendar) == record
    assert recorded(streak, visits, calendar, active=record.active, early=record.early) == record


@settings(max_examples=200 * LONG)
@given(streaks(), facts, calendars)
def test_what_is_recorded_is_in_order(streak, visits, calendar):
    record = recorded(streak, visits, calendar)

    assert record.active == merge(record.active)
    assert list(record.early) == sorted(set(record.early))
    for early in record.early:  # Else it would be like any other.
        assert merge((*record.active, (early - 1, early - 1))) != record.active


@st.composite
def records(draw, streak, visits, calendar):
    """Return a record of visits with everything else that a record may hold."""
    near = [period_of(streak, at, calendar) for at in (*visits, SPRING)]
    periods = st.builds(int.__add__, st.sampled_from(near), st.integers(-3, 4))
    few = st.lists(periods, max_size=3, unique=True).map(sorted)
    ranges = st.lists(st.tuples(periods, st.integers(0, 3)), max_size=2)
    granted = [(period, draw(st.integers(1, 3))) for period in draw(few)]
    return recorded(
        streak,
        visits,
        calendar,
        granted=tuple(granted),
        asked=tuple(draw(few)),
        paused=merge((first, first + more) for first, more in draw(ranges)),
    )


@st.composite
def everything(draw):
    streak, calendar, visits = draw(streaks()), draw(calendars), draw(facts)
    record = draw(records(streak, visits, calendar))
    incidents = st.builds(
        lambda at, hours: Incident(at, at + hours * HOUR),
        moments(SPRING) | moments(AUTUMN),
        st.integers(1, 40),
    )
    return streak, record, calendar, tuple(draw(st.lists(incidents, max_size=2))), visits


class Model:
    """The specification of streaks, read aloud: a period after the other, no shortcut taken."""

    def __init__(self, streak, record, calendar, incidents, visits):
        self.streak, self.record = streak, record
        self.freezes = streak.freezes or Freezes(cap=0)
        self.excused = {each for first, last in record.paused for each in range(first, last + 1)}
        for incident in incidents:
            for at in range(incident.starts, incident.ends, HOUR):
                self.excused.add(period_of(streak, at, calendar))
        placed = [(at, period_of(streak, at, calendar)) for at in visits]
        late = streak.grace_hours * HOUR
        self.early = {each for at, each in placed if at - begins_at(streak, each, calendar) < late}
        self.own = {each for at, each in placed if at - begins_at(streak, each, calendar) >= late}

    def runs(self, until):
        known = [*self.early, *self.own, *dict(self.record.granted)]
        runs, run, self.pool, early = [], [], 0, set(self.early)
        for period in range(min(known, default=until), until):
            self.pool = min(self.pool + dict(self.record.granted).get(period, 0), self.freezes.cap)
            if period not in self.own | early and run and self.is_made_up_for(period, early):
                early.remove(period + 1)
                run.append(period)
                self.earn(run)
            elif period in self.own | early:
                run.append(period)
                self.earn(run)
            elif run and not self.is_forgiven(period):
                runs.append(run)
                run = []
        self.is_alive = bool(run)
        return [Run(run[0], run[-1], len(run)) for run in [*runs, run] if run]

    def is_made_up_for(self, period, early):
        return period + 1 in early and period not in self.excused

    def is_forgiven(self, period):
        if period in self.excused:
            return True
        if self.pool and (self.freezes.apply == "automatic" or period in self.record.asked):
            self.pool -= 1
            return True
        return False

    def earn(self, run):
        if self.freezes.earn_every and len(run) % self.freezes.earn_every == 0:
            self.pool = min(self.pool + 1, self.freezes.cap)


@settings(max_examples=200 * LONG)
@given(everything(), st.integers(0, 20))
def test_a_course_is_what_the_specification_says(given_, later):
    streak, record, calendar, incidents, visits = given_
    until = period_of(streak, max(visits, default=SPRING), calendar) + 1 + later
    model, course = Model(*given_), Course(streak, record, calendar, incidents)

    runs = model.runs(until)
    assert course.runs == runs
    assert course.lives(until) == model.is_alive
    assert course.left(until - 1) == model.pool


@settings(max_examples=200 * LONG)
@given(everything())
def test_a_run_is_alive_until_it_is_due_and_not_forgiven(given_):
    streak, record, calendar, incidents, _ = given_
    told = {}
    for judgement in untold(streak, record, calendar, incidents):
        then = judged_at(streak, judgement.period, calendar)
        before, after = (
            picture(streak, record, calendar, incidents, at) for at in (then - 1, then)
        )
        assert due_of(streak, extend_told(record, told), calendar, incidents) == then
        assert before.current == judgement.length
        assert after.current == (judgement.length if judgement.is_forgiven else 0)
        told[judgement.period] = judgement.is_forgiven
    assert due_of(streak, extend_told(record, told), calendar, incidents) is None
    assert list(told.values()) in ([], [True] * (len(told) - 1) + [False])
    # However long ago it was: no more is judged than there are freezes.
    assert len(told) <= 1 + (streak.freezes.cap if streak.freezes else 0) * (
        1 + len(record.granted)
    )


def due_of(streak, record, calendar, incidents):
    return due(streak, record, calendar, Course(streak, record, calendar, incidents))


def extend_told(record, told):
    return (
        record
        if not told
        else StreakRecord(
            *(getattr(record, name) for name in ("active", "early", "granted", "asked", "paused")),
            told=max(told),
        )
    )


@given(streaks(), calendars, moments(SPRING, 250), st.sampled_from([0, 1, HOUR - 1]))
def test_a_moment_lies_in_its_period(streak, calendar, at, more):
    at += more
    period = period_of(streak, at, calendar)
    begins, ends = (begins_at(streak, each, calendar) for each in (period, period + 1))

    assert begins <= at < ends
    assert [period_of(streak, each, calendar) for each in (begins, ends - 1)] == [period] * 2
    still_open = open_period(streak, at, calendar)
    assert (
        judged_at(streak, still_open - 1, calendar) <= at < judged_at(streak, still_open, calendar)
    )


def written(**more):
    return rulebook_of(
        grace_hours=3,
        milestones="[{at: 2, rewards: [{freeze: visits, quantity: 1}]}, {at: 3, rewards: []}]",
        house="timezone: Europe/Berlin\n"
        "incidents: [{from: 2024-04-02T10:00:00Z, to: 2024-04-02T14:00:00Z}]",
        **more,
    )


RULEBOOKS = [
    written(freezes="{cap: 2, earn_every: 3}"),
    written(freezes="{cap: 3, apply: asked}"),
    written(freezes="{cap: 1, earn_every: 2}", every="{days: 2}"),
]


@cache
def compiled(rulebook):
    return compile_rulebook(load_rulebook(rulebook), 1)


def about(at):
    return {"tenant": SHOP, "id": "1", "participant": "ann", "received_at": at}


def command_of(step, now):
    word, *rest = step
    match word:
        case "visit":
            return RecordStreak(streak="visits", at=now + rest[0] * HOUR, **about(now))
        case "pause":
            starts, ends = now + rest[0] * DAY, now + rest[0] * DAY + rest[1] * HOUR
            return Pause(streak="visits", starts=starts, ends=ends, **about(now))
        case _:
            return Freeze(streak="visits", action=word, **about(now))


steps = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.tuples(st.just("visit"), st.just(0))
        | st.tuples(st.just("visit"), st.integers(-100, 0))
        | st.tuples(st.just("pause"), st.integers(0, 2), st.integers(0, 70))
        | st.tuples(st.sampled_from(["use", "grant"])),
    ),
    max_size=14,
)


def life(rulebook, steps, *, prompt):
    """Do one thing after another; ticks come in time, or as late as they can."""
    state, told = State(), []

    def act(command):
        try:
            changes, draft = decide(compiled(rulebook), state, command)
        except Refusal:
            return
        draft.fold_in()
        told.extend(changes)

    def settle(now):
        while state.due_at is not None and state.due_at <= now:
            act(Tick(at=state.due_at, **about(now)))

    now = SPRING
    for hours, step in steps:
        for _ in range(hours):
            now += HOUR
            if prompt:
                settle(now)
        settle(now)
        act(command_of(step, now))
    settle(now + 400 * DAY)
    return state, told


@settings(max_examples=60 * LONG, deadline=None)
@given(st.sampled_from(RULEBOOKS), steps)
@example(RULEBOOKS[0], [(12, ("grant",)), (0, ("visit", 0)), (60, ("visit", 0))])
def test_late_ticks_tell_what_prompt_ones_would_have(rulebook, steps):
    prompt_state, prompt_told = life(rulebook, steps, prompt=True)
    late_state, late_told = life(rulebook, steps, prompt=False)

    assert late_state.picture() == prompt_state.picture()
    assert late_state.due == prompt_state.due == {}
    assert late_told == prompt_told


@settings(max_examples=60 * LONG, deadline=None)
@given(st.sampled_from(RULEBOOKS), steps)
def test_each_run_has_its_milestones(rulebook, steps):
    """At least once each in any order of visits; and just once if no visit is late."""
    is_late = any(step[0] == "visit" and step[1] for _, step in steps)
    state, told = life(rulebook, steps, prompt=True)
    (streak,) = compiled(rulebook).rulebook.streaks
    incidents = compiled(rulebook).rulebook.incidents
    record = state.read(STREAK, "visits") or StreakRecord()
    course = Course(streak, record, compiled(rulebook).calendar, incidents)

    paid = [change for change in told if isinstance(change, StreakMilestoneReached)]
    for at in (2, 3):
        owed = sum(run.length >= at for run in course.runs)
        count = sum(change.milestone == at for change in paid)
        assert count == owed or (is_late and count > owed)
