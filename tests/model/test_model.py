"""The engine against the model: random rulebooks, random histories, and the same must come of them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from tests.cast import LONG
from tests.model.days import NOON
from tests.model.engine_side import PEOPLE, Real
from tests.model.histories import CODES, histories
from tests.model.model import World

EXAMPLES = 500 if LONG == 1 else 20_000


def codes_of(book):
    return {offer["id"]: CODES for offer in book.get("rewards", ()) if offer.get("codes")}


def first_difference(mine, theirs):
    """Name the first thing that differs, by its path, so that a failure is read at a glance."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*mine, *(each for each in theirs if each not in mine)]:
            found = first_difference(mine.get(key), theirs.get(key))
            if found:
                return f"{key} {found}"
        return ""
    return "" if mine == theirs else f"should be {mine!r} and is {theirs!r}"


def difference(book, history):
    """Play a history on both sides, and return the first thing in which they differ, or nothing."""
    world = World(book, NOON)
    world.codes = codes_of(book)
    for who in PEOPLE:
        world.person(who)
    with TemporaryDirectory() as folder:
        real = Real(Path(folder) / "laurels.db", book, world.codes)
        try:
            for number, step in enumerate(history, 1):
                wanted, found = world.play(step), real.play(step)
                if wanted != found:
                    return f"step {number}, {step}, should be {wanted} and is {found}"
            world.wait(0)
            real.settle()
            found = first_difference(world.seen(), real.seen())
            return found or "; ".join(real.stage.findings())
        finally:
            real.close()


def script(history):
    return "\n".join(f"    {step}," for step in history)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(histories())
def test_the_engine_does_what_the_model_does(drawn):
    book, history = drawn

    found = difference(book, history)

    assert not found, f"{found}\n\nbook = {book}\nhistory = [\n{script(history)}\n]"
