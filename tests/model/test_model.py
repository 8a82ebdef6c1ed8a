"""The engine against the model: random rulebooks, random histories, and the same comes of them."""

import re
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from tests.cast import LONG
from tests.model.days import NOON
from tests.model.engine_side import PEOPLE, Real
from tests.model.histories import CODES, histories
from tests.model.model import World
from tests.model.reduction import reduce

EXAMPLES = 500 if LONG == 1 else 20_000


def difference(book, history):
    """Play a history on both sides, and return the first thing in which they differ, or nothing."""
    codes = {offer["id"]: CODES for offer in book.get("rewards", ()) if offer.get("codes")}
    world = World(book, NOON, PEOPLE, codes)
    with TemporaryDirectory() as folder, closing(Real(Path(folder), book, codes)) as real:
        for step in history:
            wanted, found = world.play(step), real.play(step)
            if wanted != found:
                return f"{step} should be {wanted} and is {found}"
        world.wait(0)
        real.settle()
        found = first_difference(world.seen(), real.seen())
        return found or "; ".join(real.stage.findings())


def first_difference(mine, theirs):
    """Name the first thing that differs, by its path, so that a failure is read at a glance."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*mine, *(each for each in theirs if each not in mine)]:
            found = first_difference(mine.get(key), theirs.get(key))
            if found:
                return f"{key} {found}"
        return ""
    return "" if mine == theirs else f"should be {mine!r} and is {theirs!r}"


def kind_of(found):
    """Tell failures apart: a shorter one must fail in the same way."""
    return re.sub(r"\(.*?\)(?= should)|\d+|should be [^a-zA-Z].*", "", found)


def script(book, history):
    """Write a failure down, to be read and to be run again."""
    sections = "".join(f"    {name!r}: {value!r},\n" for name, value in book.items())
    steps = "".join(f"    {step},\n" for step in history)
    return f"book = {{\n{sections}}}\nhistory = [\n{steps}]"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    verbosity=Verbosity.quiet,  # What it would print at length we print in short.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(histories())
def test_the_engine_does_what_the_model_does(drawn):
    if outcome(*drawn):
        pytest.fail(described(*drawn), pytrace=False)


def described(book, history):
    """Say what differs, and where it is seen best."""
    kind = kind_of(outcome(book, history))
    small = reduce(book, history, lambda *smaller: kind_of(outcome(*smaller)) == kind)
    return f"{outcome(*small)}\n\n{script(*small)}"


def outcome(book, history):
    """Return the difference; a bug that raises is one too."""
    try:
        return difference(book, history)
    except Exception as failure:  # noqa: BLE001 - it is told with the history
        return f"should be fine and is {failure!r}"
