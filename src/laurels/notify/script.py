"""Lua scripts, and calls that go out together, to one server or to a cluster."""

from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from laurels.link import BlockingLink, Link
from laurels.notify.place import by_tag


class Call(NamedTuple):
    """One command, and the positions of the keys that it is about."""

    words: Sequence[Any]
    positions: Sequence[int]


class Script:
    """A script of this folder. It is sent by its digest, and whole to who does not know it."""

    def __init__(self, name: str) -> None:
        self.text = files("laurels.notify").joinpath(name).read_bytes()
        self.digest = sha1(self.text, usedforsecurity=False).hexdigest()

    def words(self, keys: Sequence[bytes], arguments: Sequence[Any]) -> list[Any]:
        return ["EVALSHA", self.digest, len(keys), *keys, *arguments]

    def whole(self, call: Call) -> Call:
        """Return the call with the script itself in place of its digest."""
        return Call(["EVAL", self.text, *call.words[2:]], call.positions)


def together(link: "Link | BlockingLink", keys: Sequence[bytes]) -> list[list[int]]:
    """Return the positions of the keys that one command may be about."""
    if isinstance(link, redis.RedisCluster | redis.asyncio.RedisCluster):
        return by_tag(keys)
    return [list(range(len(keys)))]


async def send(link: Link, calls: Sequence[Call], script: Script | None = None) -> list[Any]:
    """Send calls in one round trip to each node. Raises the first failure among the answers."""
    answers = await _execute(link, calls)
    unknown = _unknown(answers) if script else []
    if script and unknown:
        again = await _execute(link, [script.whole(calls[position]) for position in unknown])
        for position, answer in zip(unknown, again, strict=True):
            answers[position] = answer
    return _sound(answers)


def send_blocking(link: BlockingLink, calls: Sequence[Call], script: Script) -> list[Any]:
    """Do the same on a thread."""
    answers = _execute_blocking(link, calls)
    if unknown := _unknown(answers):
        again = _execute_blocking(link, [script.whole(calls[position]) for position in unknown])
        for position, answer in zip(unknown, again, strict=True):
            answers[position] = answer
    return _sound(answers)


async def _execute(link: Any, calls: Sequence[Call]) -> list[Any]:
    pipeline = link.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command(*call.words)
    answers: list[Any] = await pipeline.execute(raise_on_error=False)
    return answers


def _execute_blocking(link: Any, calls: Sequence[Call]) -> list[Any]:
    pipeline = link.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command(*call.words)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers


def _unknown(answers: Sequence[Any]) -> list[int]:
    found = enumerate(answers)
    return [position for position, answer in found if isinstance(answer, NoScriptError)]


def _sound(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
