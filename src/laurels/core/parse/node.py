"""A tree of plain values, read with a finger on the place, so that every problem names its path."""

import json
import re
from collections.abc import Collection
from datetime import date, datetime
from difflib import get_close_matches
from typing import Final, TypeVar, cast

from msgspec import Struct

from laurels.core.errors import Problem, RulebookRefused
from laurels.core.event import Instant
from laurels.core.filter import MISSING, Path, path_of
from laurels.core.limits import INSTANT_MAX_MS, INSTANT_MIN_MS, NUMBER_MAX
from laurels.core.limits import QUESTKIT_EVENT_NAME_CHARS_MAX as TEXT_CHARS_MAX
from laurels.core.number import ONE, Millionths
from laurels.core.window import instant, midnight

ROOT: Final = "rulebook"
PROBLEMS_MAX: Final = 100
"""Past this many the reader gives up: what is wrong is wrong from the ground up."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
"""Ids of rules, badges, challenges, objectives, items, and names of currencies."""
PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
QUOTED_CHARS_MAX: Final = 60
NAMES_SHOWN_MAX: Final = 12
NAMES_COMPARED_MAX: Final = 1_000
"""So many are tried when we guess what was meant; to guess among more would take long."""
HUGE_BITS: Final = 1_024

Choice = TypeVar("Choice", bound=str)


class Node(Struct, frozen=True):
    """
    One value of the tree, its path, and the list that all problems go to.

    A reader that meets a problem notes it and returns something harmless, so that the reading goes
    on to the next one; what was read counts only if the list is empty at the end. An absent value
    reads as the default, without a word: `fields` has said that it is missing.
    """

    value: object
    path: str
    problems: list[Problem]

    @property
    def is_absent(self) -> bool:
        return self.value is MISSING

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list | tuple)

    @property
    def is_empty(self) -> bool:
        """Whether this is a mapping or a list with nothing in it."""
        return self.value in ({}, [], ())

    def refuse(self, message: str) -> None:
        """Note what is wrong here and what to do about it."""
        self.problems.append(Problem(self.path or ROOT, message))
        if len(self.problems) == PROBLEMS_MAX:
            message = f"and perhaps more: reading stopped after {PROBLEMS_MAX} problems"
            raise RulebookRefused(*self.problems, Problem(ROOT, message))

    def fields(self, known: tuple[str, ...]) -> "Fields":
        """Read a mapping, and name the keys that we do not know."""
        children = self.mapping()
        for key, child in children.items():
            if key not in known:
                child.refuse(unknown("key", key, known))
        return Fields(self, children)

    def mapping(self) -> dict[str, "Node"]:
        """Read a mapping whose keys may be anything that is text."""
        if not self.is_mapping:
            self.expect("a mapping of keys to values")
            return {}
        children: dict[str, Node] = {}
        for key, value in cast("dict[object, object]", self.value).items():
            if not isinstance(key, str):
                self.refuse(f"a key must be text, not {describe(key)}; put it in quotes")
            elif UNSTORABLE.search(key):
                self.refuse("a key holds a character that is no text; take it out")
            else:
                children[key] = self.child(key, value)
        return children

    def items(self) -> list["Node"]:
        """Read a list."""
        if not self.is_list:
            self.expect("a list")
            return []
        return [
            Node(value, item_path(self.path, index), self.problems)
            for index, value in enumerate(cast("list[object]", self.value))
        ]

    def text(self, default: str = "") -> str:
        if not isinstance(self.value, str):
            self.expect("text", hint="; put it in quotes")
        elif not self.value or len(self.value) > TEXT_CHARS_MAX:
            self.refuse(f"must have 1 to {TEXT_CHARS_MAX:,} characters")
        elif UNSTORABLE.search(self.value):
            self.refuse("holds a character that is no text (U+0000 or half a pair); take it out")
        else:
            return str(self.value)
        return default

    def name(self, default: str = "") -> str:
        """Read an id, or the name of a currency or an item."""
        text = self.text()
        if text and not NAME.fullmatch(text):
            self.refuse(
                f"{quoted(text)} must be 1 to 100 of the characters A-Z a-z 0-9 _ - . : "
                "and begin with a letter or digit"
            )
        return text or default

    def choice(self, choices: tuple[Choice, ...], default: Choice) -> Choice:
        """Read one of a few words."""
        text = self.text()
        if text and text not in choices:
            self.refuse(unknown("word", text, choices))
        return cast("Choice", text) if text in choices else default

    def known(self, what: str, names: Collection[str]) -> str:
        """Read the name of something that the rulebook has elsewhere."""
        text = self.text()
        if text and text not in names:
            self.refuse(unknown(what, text, tuple(names)))
        return text

    def names(self, what: str, known: Collection[str]) -> tuple[str, ...]:
        """Read a list of names that the rulebook has elsewhere, each once."""
        names = dict[str, None]()
        for child in self.items():
            name = child.known(what, known)
            if name and name in names:
                child.refuse(f"`{name}` is there twice")
            names[name] = None
        return tuple(names)

    def flag(self, *, default: bool) -> bool:
        if not isinstance(self.value, bool):
            self.expect("true or false, without quotes")
            return default
        return self.value

    def whole(self, most: int, *, least: int = 1, default: int | None = None) -> int:
        """Read a whole number from `least`, which is the default as well, to `most`."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.expect("a whole number", hint="; write digits only")
        elif not least <= self.value <= most:
            bounds = f"from {least:,} to {most:,}"
            self.refuse(f"must be a whole number {bounds}, not {quoted(self.value)}")
        else:
            return int(self.value)
        return least if default is None else default

    def whole_or(self, words: dict[str, int | None], default: int | None) -> int | None:
        """Read a whole number, or a word that stands for one or for no limit."""
        if self.is_absent:
            return default
        if not isinstance(self.value, str):
            return self.whole(NUMBER_MAX)
        if self.value not in words:
            listed = " or ".join(f"`{word}`" for word in words)
            self.refuse(f"must be a whole number or {listed}, not the text {quoted(self.value)}")
        return words.get(self.value, default)

    def days(self, most: int) -> int:
        """Read `{days: 30}`; an absent one is 0."""
        return 0 if self.is_absent else self.fields(("days",)).need("days").whole(most)

    def number(self) -> Millionths:
        """Read a number, into millionths."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            self.expect("a number", hint="; write it without quotes")
        elif not -NUMBER_MAX <= self.value <= NUMBER_MAX:
            self.refuse(f"must be a number within ±{NUMBER_MAX:,}, not {quoted(self.value)}")
        else:
            return round(self.value * ONE)
        return ONE

    def positive(self) -> Millionths:
        """Read a number above 0, into millionths; an absent one is 1."""
        number = self.number()
        if number <= 0:
            self.refuse(f"must be at least 0.000001, not {quoted(self.value)}")
        return number

    def property_name(self) -> Path:
        """Read the name of an event's property, or a dotted path to it."""
        return path_of(self.text())

    def moment(self, timezone: str) -> Instant | None:
        """Read a date, which is its midnight in the zone, or a date and time."""
        moment = self.day_or_moment()
        if moment is None:
            return None
        at = instant(moment) if isinstance(moment, datetime) else midnight(moment, timezone)
        if not INSTANT_MIN_MS <= at <= INSTANT_MAX_MS:
            self.refuse("must be a date from 1900 to 9998")
        return at

    def day_or_moment(self) -> date | None:
        if isinstance(self.value, date):
            return self.value
        text = self.text().upper()
        try:
            if DATE.fullmatch(text):
                return date.fromisoformat(text)
            if DATE_TIME.fullmatch(text):
                return datetime.fromisoformat(text)
        except ValueError:
            pass
        if text:
            self.refuse(f"{quoted(text)} is no date; write 2026-03-01 or 2026-03-01T09:30:00Z")
        return None

    def expect(self, what: str, hint: str = "") -> None:
        """Note that this is of the wrong type, unless it is absent."""
        if not self.is_absent:
            self.refuse(f"must be {what}, not {describe(self.value)}{hint}")

    def child(self, key: str, value: object) -> "Node":
        return Node(value, key_path(self.path, key), self.problems)


class Fields:
    """The entries of a mapping whose keys are known; one that is not there is an absent node."""

    def __init__(self, node: Node, children: dict[str, Node]) -> None:
        self.node = node
        self.children = children

    def __getitem__(self, key: str) -> Node:
        return self.children.get(key) or self.node.child(key, MISSING)

    def __contains__(self, key: str) -> bool:
        return key in self.children

    def need(self, key: str) -> Node:
        """Return an entry that must be there."""
        node = self[key]
        if node.is_absent and self.node.is_mapping:
            node.refuse("is missing")
        return node

    def refuse(self, message: str) -> None:
        """Note what is wrong with the entries as a whole."""
        if self.node.is_mapping:
            self.node.refuse(message)


def key_path(parent: str, key: str) -> str:
    """
    Name the path of a mapping's value.

    >>> key_path("earn[0]", "where"), key_path("earn[0].where", "cart.total"), key_path("", "earn")
    ('earn[0].where', 'earn[0].where["cart.total"]', 'earn')
    """
    if not PLAIN_KEY.fullmatch(key):
        return f"{parent}[{quoted(key)}]"
    return f"{parent}.{key}" if parent else key


def item_path(parent: str, index: int) -> str:
    """Name the path of a list's element."""
    return f"{parent}[{index}]"


def unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    """
    Say that a name is unknown, and which was probably meant.

    >>> unknown("key", "objectivs", ("id", "objectives"))
    'unknown key "objectivs": did you mean `objectives`?'
    >>> unknown("key", "x", ("id", "objectives"))
    'unknown key "x": write one of `id`, `objectives`'
    """
    near = get_close_matches(name[:100], known[:NAMES_COMPARED_MAX], n=1)
    if near:
        return f"unknown {what} {quoted(name)}: did you mean `{near[0]}`?"
    if not known:
        return f"unknown {what} {quoted(name)}: the rulebook has none"
    some = ", ".join(f"`{each}`" for each in known[:NAMES_SHOWN_MAX])
    more = ", …" if len(known) > NAMES_SHOWN_MAX else ""
    return f"unknown {what} {quoted(name)}: write one of {some}{more}"


def quoted(value: object) -> str:
    """Show a value of the caller's, shortened, in characters that can be sent anywhere."""
    if isinstance(value, int) and value.bit_length() > HUGE_BITS:
        return "a huge number"  # Python would not even print it.
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    text = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= QUOTED_CHARS_MAX else f"{text[:QUOTED_CHARS_MAX]}…"


def describe(value: object) -> str:
    """
    Name the type of a value as its writer would.

    >>> describe(True), describe([1]), describe(5), describe(None)
    ('the boolean true', 'a list', 'the number 5', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    words: dict[type, str] = {int: "number", float: "number", str: "text"}
    return f"the {words.get(type(value), type(value).__name__)} {quoted(value)}"
