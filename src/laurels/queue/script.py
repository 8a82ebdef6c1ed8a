"""Calls of our Lua scripts, many in one round trip."""

import asyncio
from collections.abc import Iterable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, NamedTuple, cast

import redis
import redis.asyncio
from redis.exceptions import NoScriptError, RedisError

from laurels.core.errors import Unavailable
from laurels.link import ANSWER_S_MAX, BlockingLink, Link


class Script:
    """One file of ours, known to Redis by its digest once it was seen there."""

    def __init__(self, name: str) -> None:
        self.text: Final = files("laurels.queue").joinpath(f"{name}.lua").read_text("utf-8")
        self.digest: Final = sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def call(self, keys: Sequence[Any], values: Sequence[Any] = ()) -> "Call":
        """Name a call; all keys must lie in one lane."""
        return Call(("EVALSHA", self.digest, len(keys), *keys, *values), self.text)


class Call(NamedTuple):
    """A command with its arguments, and the script's text should Redis not know it."""

    words: tuple[Any, ...]
    text: str = ""

    @property
    def whole(self) -> tuple[Any, ...]:
        return ("EVAL", self.text, *self.words[2:])


def together(link: "Link | BlockingLink", lanes: Iterable[int]) -> list[list[int]]:
    """Group lanes that one call may be about: on a cluster each lane lies somewhere else."""
    if isinstance(link, redis.RedisCluster | redis.asyncio.RedisCluster):
        return [[lane] for lane in lanes]
    all_of_them = list(lanes)
    return [all_of_them] if all_of_them else []


def plain(*words: Any) -> Call:
    return Call(words)


async def ask(link: Link, calls: Sequence[Call]) -> list[Any]:
    """
    Make calls in one round trip. What one of them ran into stands in place of its answer.

    Raises Unavailable when there was no answer at all.
    """
    pipeline: Any = link.pipeline(transaction=False)
    try:
        # A cluster is tried again and again, each time for as long as an answer may take.
        async with asyncio.timeout(ANSWER_S_MAX):
            for call in calls:
                pipeline.execute_command(*call.words)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            if unknown := _unknown(answers):
                for at in unknown:
                    pipeline.execute_command(*calls[at].whole)
                _put(answers, unknown, await pipeline.execute(raise_on_error=False))
    except (RedisError, OSError) as failure:
        raise unavailable(failure) from failure
    return answers


def ask_blocking(link: BlockingLink, calls: Sequence[Call]) -> list[Any]:
    """Make calls in one round trip. Raises Unavailable when any of them failed."""
    pipeline: Any = cast("Any", link).pipeline(transaction=False)
    try:
        for call in calls:
            pipeline.execute_command(*call.words)
        answers: list[Any] = pipeline.execute(raise_on_error=False)
        if unknown := _unknown(answers):
            for at in unknown:
                pipeline.execute_command(*calls[at].whole)
            _put(answers, unknown, pipeline.execute(raise_on_error=False))
    except (RedisError, OSError) as failure:
        raise unavailable(failure) from failure
    for answer in answers:
        if isinstance(answer, Exception):
            raise unavailable(answer) from answer
    return answers


def unavailable(failure: Exception) -> Unavailable:
    """What the server's own words are is for our log, not for a caller."""
    refusal = Unavailable("The queue cannot be asked; try again.")
    refusal.__cause__ = failure
    return refusal


def _unknown(answers: Sequence[Any]) -> list[int]:
    return [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]


def _put(answers: list[Any], places: Sequence[int], again: Sequence[Any]) -> None:
    for at, answer in zip(places, again, strict=True):
        answers[at] = answer
