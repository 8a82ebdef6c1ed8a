"""The recommender: what it keeps, when it looks again, and what it tells of that."""

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from tests.cast import HOUR, SECOND, SHOP, a_stage, out_of_order

from laurels.core import limits
from laurels.core.change import Recommended
from laurels.core.errors import ClaimNotReady, Unavailable
from laurels.engine.gather import Gather
from laurels.engine.recommend import recommender as module
from laurels.engine.recommend.advice import Advice, Question
from laurels.engine.recommend.recommender import NOTHING, Recommendation, Recommender

RULEBOOK = """
challenges:
  - {id: one, title: One, claim: manual, objectives: [{id: o, event: go, count: 1}]}
  - {id: two, title: Two, claim: manual, objectives: [{id: o, event: go, count: 2}]}
  - {id: ten, title: Ten, objectives: [{id: o, event: go, count: 10}]}
  - {id: swim, title: Swim, objectives: [{id: o, event: swim, count: 3}]}
  - {id: fly, title: Fly, objectives: [{id: o, event: fly, count: 3}]}
"""
ONE = "challenges: [{id: one, claim: manual, objectives: [{id: o, event: go, count: 1}]}]"
FIRST = Recommendation(("one", "two", "ten"), "“One” is a good one to begin with.")


class Sage:
    """Gives the advice it was given, and remembers what it was asked."""

    def __init__(self, *advice: Any) -> None:
        self.advice = list(advice)
        self.asked: list[Question] = []

    async def advise(self, question: Question) -> Advice | None:
        self.asked.append(question)
        advice = self.advice.pop(0)
        if isinstance(advice, Exception):
            raise advice
        return advice


class Room(NamedTuple):
    """A recommender at work on a stage."""

    stage: Any
    recommender: Recommender
    gather: Gather

    async def ask(self, who="ann") -> Recommendation:
        return await self.recommender.recommend(SHOP, who)

    async def tell(self, name, who="ann") -> None:
        await self.gather.submit([self.stage.event(name, who)])

    async def claim(self, challenge, who="ann") -> None:
        """Claim, and wait until the list has been looked at again."""
        await self.gather.submit([self.stage.claim(challenge, who)])
        self.recommender.claimed(SHOP, who)
        await self.rest()

    async def rest(self) -> None:
        while (task := self.recommender._refreshing) is not None and not task.done():
            await task

    @property
    def told(self) -> list[Recommended]:
        changes = [change for entry in self.stage.journal() for change in entry.changes]
        return [change for change in changes if isinstance(change, Recommended)]


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


@asynccontextmanager
async def a_room(stage, sage=None):
    gather = Gather(stage.engine)
    gather.start()
    try:
        yield Room(stage, Recommender(gather, stage.store.queries, stage.clock, sage), gather)
    finally:
        await gather.close()


def played(stage, scene, sage=None):
    async def play():
        async with a_room(stage, sage) as room:
            await scene(room)

    asyncio.run(play())


def cached(made: Recommendation) -> Recommendation:
    return Recommendation(made.challenges, made.why, cached=True)


def test_a_list_is_kept_for_an_hour(stage):
    async def scene(room):
        assert await room.ask() == FIRST
        for _ in range(2):
            await room.tell("fly")
        stage.clock.move(by=HOUR - 1)
        assert await room.ask() == cached(FIRST)
        assert (await room.ask("bob")).cached is False

        stage.clock.move(by=1)
        made = await room.ask()
        assert (made.challenges, made.cached) == (("fly", "one", "two"), False)

    played(stage, scene)


def test_a_list_of_which_something_is_no_longer_open_is_made_anew(stage):
    async def scene(room):
        await room.ask()
        await room.tell("go")

        made = await room.ask()

        assert made == Recommendation(
            ("two", "ten", "swim"), "Lately you did what “Two” asks for: go."
        )
        assert room.told == []

    played(stage, scene)


def test_where_nothing_is_open_there_is_nothing_and_nobody_is_asked(stage):
    stage.store.registry.put_rulebook(SHOP, ONE, 1)
    sage = Sage(Advice(("one",), "Go."))

    async def scene(room):
        assert (await room.ask()).challenges == ("one",)
        await room.tell("go")
        assert await room.ask() == NOTHING

        await room.claim("one")
        assert [each.challenges for each in room.told] == [()]
        assert await room.ask() == NOTHING

    played(stage, scene, sage)
    assert len(sage.asked) == 1


def test_a_claim_renews_the_list_and_tells_of_it_when_it_has_changed(stage):
    async def scene(room):
        await room.tell("go")
        before = await room.ask()
        stage.clock.move(by=SECOND)
        await room.tell("go")

        await room.claim("one")

        (told,) = room.told
        assert told.challenges == ("ten", "swim", "fly") != before.challenges
        assert told.at == stage.clock.at
        assert await room.ask() == Recommendation(told.challenges, told.why, cached=True)

        await room.claim("two")
        assert room.told == [told]

    played(stage, scene)


def test_without_a_list_a_claim_is_no_reason_to_make_one(stage):
    async def scene(room):
        await room.tell("go")
        await room.claim("one")
        assert room.recommender._refreshing is None

        await room.ask()
        stage.clock.move(by=HOUR)
        await room.claim("one")
        assert room.recommender._refreshing is None

    played(stage, scene)


def test_a_list_that_was_forgotten_meanwhile_stays_so(stage):
    async def scene(room):
        await room.tell("go")
        await room.ask()
        room.recommender.claimed(SHOP, "ann")
        room.recommender.forget(SHOP, "ann")
        await room.rest()

        assert room.told == []
        assert (await room.ask()).cached is False

    played(stage, scene)


def test_many_claims_at_once_are_one_look(stage):
    async def scene(room):
        for who in ("ann", "bob"):
            await room.ask(who)
            await room.tell("go", who)
        for _ in range(3):
            for who in ("ann", "bob"):
                room.recommender.claimed(SHOP, who)
        await room.rest()

        assert len(room.told) == 2

    played(stage, scene)


def test_when_too_many_wait_a_list_is_forgotten(stage, monkeypatch):
    monkeypatch.setattr(limits, "RECOMMENDATIONS_WAITING_MAX", 1)

    async def scene(room):
        for who in ("ann", "bob"):
            await room.ask(who)
            await room.tell("go", who)
        for who in ("ann", "bob"):
            room.recommender.claimed(SHOP, who)
        await room.rest()

        assert len(room.told) == 1
        assert (await room.ask("ann")).cached
        assert not (await room.ask("bob")).cached

    played(stage, scene)


def test_at_the_limit_the_list_that_nobody_asked_for_longest_goes(stage, monkeypatch):
    monkeypatch.setattr(limits, "RECOMMENDATIONS_CACHED_MAX", 2)

    async def scene(room):
        for who in ("ann", "bob", "ann", "cid"):
            await room.ask(who)

        assert [(await room.ask(who)).cached for who in ("ann", "cid", "bob")] == [
            *(True, True),
            False,
        ]

    played(stage, scene)


def test_a_look_that_fails_leaves_no_list_behind(stage, caplog):
    class Closed(Recommender):
        fails: Exception | None = None

        def _find(self, whose):
            if self.fails:
                raise self.fails
            return super()._find(whose)

    async def scene(room):
        recommender = Closed(room.gather, stage.store.queries, stage.clock)
        for failure in (Unavailable("gone"), ValueError("a bug")):
            await recommender.recommend(SHOP, "ann")
            recommender.fails = failure
            recommender.claimed(SHOP, "ann")
            assert recommender._refreshing
            await recommender._refreshing
            recommender.fails = None
            assert not (await recommender.recommend(SHOP, "ann")).cached

    with caplog.at_level(logging.WARNING, module.__name__):
        played(stage, scene)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_what_could_not_be_told_is_not_kept(stage, caplog):
    async def scene(room):
        await room.ask()
        await room.tell("go")
        with out_of_order(stage.path):
            room.recommender.claimed(SHOP, "ann")
            await room.rest()

        assert room.told == []
        assert not (await room.ask()).cached

    played(stage, scene)
    assert "could not be renewed" in caplog.text


def test_what_was_refused_is_not_kept_either(stage, caplog):
    class Full:
        def recall(self, command):
            return None

        async def submit(self, commands):
            return [Unavailable("full") for _ in commands]

    async def scene(room):
        full: Any = Full()
        recommender = Recommender(full, stage.store.queries, stage.clock)
        await recommender.recommend(SHOP, "ann")
        await room.tell("go")
        recommender.claimed(SHOP, "ann")
        assert recommender._refreshing
        await recommender._refreshing

        assert not (await recommender.recommend(SHOP, "ann")).cached

    played(stage, scene)
    assert "could not be renewed: full" in caplog.text


def test_advice_is_taken_and_kept(stage):
    sage = Sage(Advice(("nope", "fly", "fly", "one"), "You like it up there."))

    async def scene(room):
        made = await room.ask()
        assert made == Recommendation(("fly", "one"), "You like it up there.")
        assert await room.ask() == cached(made)

    played(stage, scene, sage)
    assert [choice.id for choice in sage.asked[0].choices] == ["one", "two", "ten", "swim", "fly"]


@pytest.mark.parametrize("advice", [None, Advice(("nope",), "No."), Advice((), "No.")])
def test_without_advice_the_ranking_is_our_own_and_not_kept(stage, advice):
    sage = Sage(advice, advice, Advice(("fly",), "Fly."))
    own = Recommendation(FIRST.challenges, FIRST.why, fallback=True)

    async def scene(room):
        assert [await room.ask() for _ in range(2)] == [own, own]
        assert (await room.ask()).challenges == ("fly",)

    played(stage, scene, sage)


def test_when_advice_fails_after_a_claim_nothing_is_told(stage):
    sage = Sage(Advice(("one",), "Go."), None, Advice(("ten",), "Go on."))

    async def scene(room):
        await room.ask()
        await room.tell("go")
        await room.claim("one")
        assert room.told == []
        assert (await room.ask()).cached is False

    played(stage, scene, sage)


def test_habits_are_learned_again_after_a_while(stage):
    async def scene(room):
        await room.ask()
        for _ in range(3):
            await room.tell("fly", "bob")
        stage.clock.move(by=limits.HABITS_LIFETIME_MS - 1)
        assert (await room.ask("cid")).challenges[0] == "one"

        stage.clock.move(by=1)
        assert await room.ask("dan") == Recommendation(
            ("fly", "one", "two"), "“Fly” is what most people complete."
        )

    played(stage, scene)


def test_a_refused_claim_tells_nothing(stage):
    async def scene(room):
        await room.ask()
        (refused,) = await room.gather.submit([stage.claim("one")])
        assert isinstance(refused, ClaimNotReady)
        room.recommender.claimed(SHOP, "ann")
        await room.rest()

        assert room.told == []
        assert await room.ask() == cached(FIRST)

    played(stage, scene)
