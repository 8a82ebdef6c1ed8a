"""Commands and Lua scripts that go to Redis together, whether it is one server or a cluster."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeVar

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from laurels.link import BlockingLink, LaterLink, Link

Item = TypeVar("Item")


class Call(NamedTuple):
    """A command with its arguments, and the script's text should Redis not know it."""

    words: tuple[Any, ...]
    text: str = ""

    @property
    def whole(self) -> tuple[Any, ...]:
        return ("EVAL", self.text, *self.words[2:])


class Script:
    """A file of a package of ours, known to Redis by its digest once it was seen there."""

    def __init__(self, package: str, name: str) -> None:
        self.text: Final = files(package).joinpath(f"{name}.lua").read_text("utf-8")
        self.digest: Final = sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def call(self, keys: Sequence[Any], values: Sequence[Any] = ()) -> Call:
        """Name a call; on a cluster all keys must lie together."""
        return Call(("EVALSHA", self.digest, len(keys), *keys, *values), self.text)


def plain(*words: Any) -> Call:
    return Call(words)


def together(
    link: "Link | BlockingLink", items: Iterable[Item], tag_of: Callable[[Item], object]
) -> list[list[Item]]:
    """Group what one call may be about: on a cluster, what has the same hash tag."""
    groups: defaultdict[object, list[Item]] = defaultdict(list)
    at = link.link if isinstance(link, LaterLink) else link
    if isinstance(at, redis.RedisCluster | redis.asyncio.RedisCluster):
        for item in items:
            groups[tag_of(item)].append(item)
        return list(groups.values())
    every = list(items)
    return [every] if every else []


async def ask(link: Link, calls: Sequence[Call]) -> list[Any]:
    """
    Make calls in one round trip to each node. A failure of one stands in place of its answer.

    Raises one of link.FAILURES when there was no answer at all.
    """
    answers = await _pipeline(link, [call.words for call in calls]).execute(raise_on_error=False)
    if unknown := _unknown(answers):
        whole = _pipeline(link, [calls[at].whole for at in unknown])
        _put(answers, unknown, await whole.execute(raise_on_error=False))
    return answers


def ask_blocking(link: BlockingLink, calls: Sequence[Call]) -> list[Any]:
    """Do the same on a thread."""
    answers = _pipeline(link, [call.words for call in calls]).execute(raise_on_error=False)
    if unknown := _unknown(answers):
        whole = _pipeline(link, [calls[at].whole for at in unknown])
        _put(answers, unknown, whole.execute(raise_on_error=False))
    return answers


def sound(answers: list[Any]) -> list[Any]:
    """Raise the first failure among answers."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _pipeline(link: Any, commands: Iterable[Sequence[Any]]) -> Any:
    pipeline = link.pipeline(transaction=False)
    for words in commands:
        pipeline.execute_command(*words)
    return pipeline


def _unknown(answers: Sequence[Any]) -> list[int]:
    return [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]


def _put(answers: list[Any], places: Sequence[int], again: Sequence[Any]) -> None:
    for at, answer in zip(places, again, strict=True):
        answers[at] = answer
