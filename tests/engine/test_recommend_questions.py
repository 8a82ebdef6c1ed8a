"""The recommender's questions: one a participant, and all who come share its answer."""

import asyncio
import logging
from typing import Any

import pytest
from tests.cast import SHOP, a_stage
from tests.engine.test_recommender import FIRST, RULEBOOK, Sage, cached, played

from laurels.core import limits
from laurels.engine.recommend.advice import Advice, Choice, Question
from laurels.engine.recommend.questions import Questions
from laurels.engine.recommend.recommender import Recommendation

ANN, BOB = (SHOP, "ann"), (SHOP, "bob")
PATIENCE_S = 10
OWN = Recommendation(FIRST.challenges, FIRST.why, fallback=True)
FLY = Advice(("fly",), "Fly.")
GO = Advice(("one",), "Go.")


class Pondering(Sage):
    """Says nothing before it is told to, and knows what came of being asked."""

    def __init__(self, *advice: Any) -> None:
        super().__init__(*advice)
        self.bell = asyncio.Queue[None]()
        self.has_thought = asyncio.Event()
        self.called_off = 0
        self.out = self.out_at_most = 0

    async def advise(self, question: Question) -> Advice | None:
        advice = await super().advise(question)
        self.bell.put_nowait(None)
        self.out += 1
        self.out_at_most = max(self.out, self.out_at_most)
        try:
            await self.has_thought.wait()
        except asyncio.CancelledError:
            self.called_off += 1
            raise
        finally:
            self.out -= 1
        return advice

    async def heard(self) -> None:
        """Wait until it is asked, once more than it was waited for."""
        await asyncio.wait_for(self.bell.get(), PATIENCE_S)


def about(*names: str) -> Question:
    return Question((), tuple(Choice(name, name.title(), "go", 1, 0) for name in names))


def asking(questions, whose=ANN, *, about=about("one", "fly")):  # noqa: B008 - it is frozen
    return asyncio.create_task(questions.ask(whose, about))


async def settle() -> None:
    """Let everybody go as far as they come without an answer."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


@pytest.mark.parametrize("failure", [ValueError("evil\nERROR forged"), RecursionError("evil")])
def test_whatever_an_adviser_raises_the_ranking_is_our_own(stage, failure, caplog):
    async def scene(room):
        assert await room.ask() == OWN
        assert (await room.ask()).challenges == ("fly",)

    played(stage, scene, Sage(failure, FLY))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"{type(failure).__name__} at tests.engine.test_recommender:" in caplog.text
    assert "evil" not in caplog.text, "what it says may be what a model said"


@pytest.mark.parametrize("advice", [Advice(("evil\nnope",), "No."), Advice((), "No.")])
def test_that_an_adviser_names_nothing_that_is_open_is_logged(stage, advice, caplog):
    async def scene(room):
        assert await room.ask() == OWN

    played(stage, scene, Sage(advice))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "nothing that is open" in caplog.text
    assert "evil" not in caplog.text


def test_twenty_requests_at_once_are_one_question(stage):
    async def scene(room):
        replies = [asyncio.create_task(room.ask()) for _ in range(20)]
        await sage.heard()
        sage.has_thought.set()

        for reply in await asyncio.gather(*replies):
            assert reply == Recommendation(("fly",), "Fly.", cached=reply.cached)

    sage = Pondering(*[FLY] * 20)
    played(stage, scene, sage)
    assert sage.out_at_most == 1


@pytest.mark.parametrize("advice", [FLY, None])
def test_all_who_come_meanwhile_share_what_comes_of_it(advice):
    async def play():
        sage = Pondering(advice, GO)
        questions = Questions(sage)
        replies = [asking(questions) for _ in range(20)]
        await settle()
        sage.has_thought.set()
        assert await asyncio.gather(*replies) == [advice] * 20
        assert len(sage.asked) == 1

        assert await questions.ask(ANN, about("one")) == GO

    asyncio.run(play())


def test_others_have_questions_of_their_own():
    async def play():
        sage = Pondering(GO, FLY)
        questions = Questions(sage)
        replies = [asking(questions, whose) for whose in (ANN, BOB)]
        await settle()
        sage.has_thought.set()
        assert await asyncio.gather(*replies) == [GO, FLY]

    asyncio.run(play())


def test_who_hangs_up_takes_the_answer_from_nobody():
    async def play():
        sage = Pondering(FLY)
        questions = Questions(sage)
        first, second = asking(questions), asking(questions)
        await settle()
        first.cancel()
        await settle()
        assert first.cancelled()
        sage.has_thought.set()
        assert await second == FLY
        assert sage.called_off == 0

    asyncio.run(play())


def test_who_comes_back_after_hanging_up_hears_the_answer():
    async def play():
        sage = Pondering(FLY)
        questions = Questions(sage)
        first = asking(questions)
        await settle()
        first.cancel()
        await settle()
        again = asking(questions)
        await settle()
        sage.has_thought.set()
        assert await again == FLY

    asyncio.run(play())


def test_advice_on_what_is_open_no_more_is_asked_for_anew():
    async def play():
        sage = Pondering(GO, FLY)
        questions = Questions(sage)
        before, after = asking(questions), asking(questions, about=about("fly"))
        await settle()
        sage.has_thought.set()
        assert await asyncio.gather(before, after) == [GO, FLY]
        assert sage.asked == [about("one", "fly"), about("fly")]

    asyncio.run(play())


def test_nobody_waits_for_ever_for_advice_on_what_is_open_to_them(caplog):
    async def play():
        sage = Pondering(GO, FLY)
        questions = Questions(sage)
        replies = [asking(questions, about=about(name)) for name in ("one", "fly", "swim")]
        await settle()
        sage.has_thought.set()
        assert await asyncio.gather(*replies) == [GO, FLY, None]

    asyncio.run(play())
    assert "what was open before" in caplog.text


def test_who_begins_anew_does_not_hear_of_what_was_before(stage, caplog):
    async def scene(room):
        before = asyncio.create_task(room.ask())
        await sage.heard()
        room.recommender.forget(SHOP, "bob")
        room.recommender.forget(SHOP, "ann")
        after = asyncio.create_task(room.ask())
        await sage.heard()
        sage.has_thought.set()

        made = Recommendation(("fly",), "Fly.")
        assert (await before, await after, await room.ask()) == (OWN, made, cached(made))

    sage = Pondering(GO, FLY)
    played(stage, scene, sage)
    assert sage.called_off == 1
    assert "called off" in caplog.text


def test_past_the_limit_nobody_is_asked(monkeypatch, caplog):
    monkeypatch.setattr(limits, "RECOMMENDATIONS_WAITING_MAX", 1)

    async def play():
        sage = Pondering(FLY, GO)
        questions = Questions(sage)
        replies = [asking(questions, whose) for whose in (ANN, BOB, ANN)]
        await settle()
        sage.has_thought.set()
        assert await asyncio.gather(*replies) == [FLY, None, FLY]
        assert await questions.ask(BOB, about("one")) == GO

    asyncio.run(play())
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "not asked" in caplog.text
