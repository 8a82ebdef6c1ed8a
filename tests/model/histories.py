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
        st.builds(steps.Freeze, people, streaks, pick(["use", "use", "buy", "grant"]), st.integers(1, 2)),
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


def kinds_of_step(book):
    """Return strategies, each as often as it should be drawn; the first draws nothing."""
    event, wait = events(), st.builds(steps.Wait, waits)
    kinds = [st.none(), *[event] * 14, *[wait] * 5, *[of_points()] * 2, of_people()]
    kinds += [st.builds(steps.GiveBadge, people, names(book, "badges"))]
    kinds += [of_challenges(book)] * (2 * bool(book.get("challenges")))
    kinds += [of_tiers(book)] * ("tiers" in book)
    kinds += [of_streaks(book)] * (3 * bool(book.get("streaks")))
    kinds += [of_rewards(book)] * (2 * bool(book.get("rewards")))
    if any("velocity" in each for each in book.get("contests", ())):
        kinds.append(st.builds(steps.Review, people, names(book, "contests"), st.booleans()))
    return kinds


@st.composite
def histories(draw):
    """
    Draw a rulebook and what happens under it.

    The number of steps is the same at first, so that many are long; a failure shrinks to few, as
    each of them may become nothing.
    """
    book = draw(rulebooks())
    kinds = kinds_of_step(book)
    drawn = [draw(kinds[draw(st.integers(0, len(kinds) - 1))]) for _ in range(STEPS)]
    return book, [each for each in drawn if each is not None]
