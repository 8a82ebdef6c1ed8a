"""Random histories of two or three participants that a rulebook has something to say about."""

from hypothesis import strategies as st
from tests.model import steps
from tests.model.rulebooks import ZONES, rulebooks

STEPS = 50
CODES = 2
"""How many codes are uploaded of each offer that has any."""

pick = st.sampled_from
people = pick(["ann", "ann", "ann", "bob", "bob", "cyd"])
late_or_future = pick([None, None, None, None, -1, -5, -26, -49, -24 * 9, -24 * 40, 2, 30])
amounts = pick([1, 2, 3, 5, 0, 0.1, 1.15, 2.5, 4, 10, 3, 2, 1, -1, True, "2", None])
things = pick(["a", "b", 1, "1", 1.0, True, None])
keys = pick([None, None, None, None, "k", "l"])
waits = pick([1, 0.5, 5, 7.25, 13, 24, 25, 1, 12, 24, 24 * 2, 24 * 3, 24 * 8, 24 * 32, 24 * 100])
currencies = pick([None, None, None, "points", "gem", "gem", "gold"])


def names(book, section):
    """Return strategies for the names of a section, and rarely for one that is not there."""
    there = [each["id"] for each in book.get(section, ())]
    return pick([*there * 12, "nobody"])


def events():
    buys = st.fixed_dictionaries({"amount": amounts}, optional={"what": things})
    sees = st.fixed_dictionaries({"what": things}, optional={"amount": amounts})
    return st.one_of(
        st.builds(steps.Tell, people, st.just("buy"), buys, late_or_future, keys),
        st.builds(steps.Tell, people, st.just("see"), sees, late_or_future, keys),
        st.builds(steps.Tell, people, st.just("login"), st.just({}), late_or_future, keys),
    )


def of_points():
    lives = pick([None, None, 5, 30])
    few, nth = pick([1, 2, 3, 5]), pick([0, 0, 1, 2])
    return st.one_of(
        st.builds(steps.Award, people, pick([1, 3, 8, 20]), currencies, lives, keys),
        st.builds(steps.Deduct, people, few, currencies),
        st.builds(steps.Hold, people, few, currencies, lives),
        st.builds(steps.EndHold, people, nth, st.booleans(), pick([None, 1, 3])),
    )


def of_streaks(book):
    streaks, hours = names(book, "streaks"), pick([0, 0, 1, 25, 24 * 3])
    return st.one_of(
        st.builds(steps.Record, people, streaks, pick([0, 0, -1, -26, -49, 2])),
        st.builds(
            steps.Freeze, people, streaks, pick(["use", "use", "buy", "grant"]), pick([1, 1, 2])
        ),
        st.builds(steps.Pause, people, streaks, pick([0, 0, 25, 25, -25]), hours),
    )


def of_rewards(book):
    return st.one_of(
        st.builds(steps.Take, people, names(book, "rewards"), st.booleans()),
        st.builds(steps.Take, people, names(book, "rewards"), st.booleans()),
        st.builds(steps.Settle, people, st.integers(0, 3), pick(["fulfilled", "void"])),
    )


def of_challenges(book):
    challenges = names(book, "challenges")
    return st.one_of(
        st.builds(steps.Enrol, people, challenges),
        st.builds(steps.ClaimChallenge, people, challenges, keys),
    )


def of_tiers(book):
    levels = book.get("tiers", {}).get("levels", [])
    there = [each["id"] for each in levels] if isinstance(levels, list) else ["level_1", "level_3"]
    return st.builds(steps.GiveTier, people, pick([*there * 4, "nobody"]))


def of_people():
    countries = pick([{"country": "de"}, {"country": "us"}, {"country": 1}, {}])
    return st.one_of(
        st.builds(steps.Describe, people, pick([*ZONES, ""]), st.none()),
        st.builds(steps.Describe, people, st.none(), countries),
    )


# Scenes: a few steps of one participant that have to do with each other.


@st.composite
def holding(draw):
    who, currency, nth = draw(people), draw(pick([None, "gem"])), draw(pick([0, 0, 1, 2]))
    lives, hours = draw(pick([None, None, 5, 30])), draw(pick([1, 13, 25]))
    amount, captured = draw(pick([2, 5, 8])), draw(pick([None, 1, 3]))
    return [
        steps.Award(who, 5, currency, draw(pick([None, 12]))),
        steps.Hold(who, amount, currency, lives),
        *([steps.Wait(hours)] if draw(st.booleans()) else []),
        steps.EndHold(who, nth, draw(st.booleans()), captured),
    ]


@st.composite
def shopping(draw, book):
    who, reward = draw(people), draw(names(book, "rewards"))
    several = [steps.Take(who, reward, draw(st.booleans())) for _ in range(draw(pick([1, 2, 3])))]
    settled = steps.Settle(who, draw(pick([0, 0, 1, 2])), draw(pick(["fulfilled", "void"])))
    return [steps.Award(who, 8), steps.Award(who, 3, "gem"), *several, settled]


@st.composite
def racing(draw, book):
    who = draw(people)
    buys = [steps.Tell(who, "buy", {"amount": draw(pick([1, 3, 10]))}) for _ in range(3)]
    if not draw(st.booleans()):
        return buys
    return [*buys, steps.Review(who, draw(names(book, "contests")), draw(st.booleans()))]


@st.composite
def a_habit(draw):
    """The same again after so many hours, a few times."""
    step, wait = draw(events()), steps.Wait(draw(pick([24, 24, 12, 25, 37, 24 * 7, 24 * 30])))
    return [step, wait] * draw(pick([2, 3, 4]))


@st.composite
def claiming(draw, book):
    step, challenge = draw(events()), draw(names(book, "challenges"))
    claims = [steps.ClaimChallenge(step.who, challenge)] * draw(pick([1, 2]))
    return [steps.Enrol(step.who, challenge), *[step] * draw(pick([2, 3])), *claims]


def scenes(book):
    """Return for each subject what can happen of it."""
    found = {"events": [events()], "time": [st.builds(steps.Wait, waits)]}
    found["points"] = [of_points(), holding()]
    found["people"] = [of_people(), st.builds(steps.GiveBadge, people, names(book, "badges"))]
    if book.get("challenges"):
        found["challenges"] = [of_challenges(book), claiming(book)]
    if book.get("tiers"):
        found["tiers"] = [of_tiers(book)]
    if book.get("streaks"):
        found["streaks"] = [of_streaks(book), a_habit()]
    if book.get("rewards"):
        found["rewards"] = [of_rewards(book), shopping(book)]
    if book.get("contests"):
        found["contests"] = [racing(book)]
    return found


def kinds_of_step(book, focus):
    """Return strategies, each as often as it should be drawn; one subject is drawn most often."""
    often = {"events": 14, "time": 5, "people": 1, "tiers": 1, focus: 12}
    kinds = []
    for subject, several in scenes(book).items():
        for each in several:
            kinds += [each] * max(often.get(subject, 2) // len(several), 1)
    return kinds


FOCUSES = ["events", "points", "challenges", "tiers", "streaks", "rewards", "contests", "people"]


@st.composite
def histories(draw):
    """Draw a rulebook and what happens under it."""
    focus, history = draw(pick(FOCUSES)), []
    book = draw(rulebooks(focus))
    kinds = kinds_of_step(book, focus)
    while len(history) < STEPS:
        drawn = draw(kinds[draw(st.integers(0, len(kinds) - 1))])
        history += drawn if isinstance(drawn, list) else [drawn]
    return book, history[:STEPS]
