"""
From the text of a rulebook, YAML 1.2 or JSON, to a rulebook; every problem tells its line.

Only plain data comes out of the text: no anchors, no aliases, no tags, and no types beyond those
of JSON. Dates stay text, and `parse` reads them where it expects them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

from laurels.core.errors import Problem, RulebookRefused
from laurels.core.limits import JSON_DEPTH_MAX, RULEBOOK_BYTES_MAX
from laurels.core.parse import parse_rulebook
from laurels.core.parse.node import ROOT, item_path, key_path, quoted
from laurels.core.rulebook import Rulebook

PLAIN: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER: Final = re.compile(r"[-+]?[0-9]+")
BASED_INTEGER: Final = re.compile(r"0o([0-7]{1,400})|0x([0-9a-fA-F]{1,400})")
FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WHOLE_CHARS_MAX: Final = 400
"""A longer number is read as a float: it is far out of range, and need not be worked out."""
NO_JSON: Final = object()
BEGINNINGS: Final = ("Scalar", "SequenceStart", "MappingStart")


def load_rulebook(text: str) -> Rulebook:
    """Read a rulebook, or raise RulebookRefused with every problem, its path and its line."""
    if len(text.encode("utf-8", "surrogatepass")) > RULEBOOK_BYTES_MAX:
        raise _refused(f"may have {RULEBOOK_BYTES_MAX:,} bytes, and this one has more")
    text = text.removeprefix("\ufeff")
    tree, lines = _read_json(text), dict[str, int]()
    if tree is NO_JSON:
        tree, lines = _read_yaml(text)
    try:
        return parse_rulebook(tree)
    except RulebookRefused as refused:
        lines = lines or _lines_of_json(text)
        found = [each._replace(line=_nearest(each.path, lines)) for each in refused.problems]
        raise RulebookRefused(*found) from None


def _read_json(text: str) -> Any:
    """Read JSON by the quick way, or return NO_JSON."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return NO_JSON


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping; a key that is there twice makes us read again, and say on which line."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError
    return mapping


def _lines_of_json(text: str) -> dict[str, int]:
    """Find the lines of a JSON text, which is YAML as well, save in rare corners."""
    try:
        return _read_yaml(text)[1]
    except RulebookRefused:
        return {}


def _read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    try:
        return _Reader(text).document()
    except RulebookRefused:
        raise
    except Exception as error:  # noqa: BLE001 - strange text breaks the parser in strange ways
        raise _syntax_error(error, text) from None


def _syntax_error(error: Any, text: str) -> RulebookRefused:
    """Tell what the parser of YAML tells, which differs from error to error."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = getattr(error, "position", None)
    line = mark.line + 1 if mark else None
    if position is not None:
        line = text.count("\n", 0, position) + 1
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    return _refused(f"is not YAML: {reason}", line)


def _nearest(path: str, lines: dict[str, int]) -> int | None:
    """
    Return the line of a value, or of the nearest parent that is there.

    >>> _nearest("earn[0].points", {"rulebook": 1, "earn": 2, "earn[0]": 3})
    3
    """
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path or ROOT)


def _refused(message: str, line: int | None = None) -> RulebookRefused:
    return RulebookRefused(Problem(ROOT, message, line))


class _Event(NamedTuple):
    """What the parser of YAML meets, of which we take only what is plain data."""

    kind: str
    line: int
    value: str
    is_plain: bool
    """Whether a scalar stands without quotes."""


def _events(text: str) -> Iterator[_Event]:
    """Parse bit by bit: a text that nests without end is refused long before it is a tree."""
    parser: Any = YAML(typ="safe", pure=True)
    for event in parser.parse(text):
        kind, line = type(event).__name__.removesuffix("Event"), event.start_mark.line + 1
        if getattr(event, "anchor", None) is not None:
            raise _refused("anchors and aliases (& and *) are not read: write it out", line)
        if kind in BEGINNINGS and event.tag is not None:
            raise _refused(f"tags such as {quoted(str(event.tag))} are not read", line)
        if kind == "Scalar":
            yield _Event(kind, line, event.value, event.implicit[0])
        else:
            yield _Event(kind, line, "", is_plain=False)


class _Reader:
    """Makes a tree of the parser's events, and notes the line of each path."""

    def __init__(self, text: str) -> None:
        self.events = _events(text)
        self.lines: dict[str, int] = {}

    def document(self) -> tuple[Any, dict[str, int]]:
        """Read the one document of the text."""
        tree = None
        for event in self.events:
            if event.kind == "DocumentStart":
                if self.lines:
                    message = "may be one document only: take out the `---` that begins another"
                    raise _refused(message, event.line)
                tree = self.value(next(self.events), "", depth=1)
        return tree, self.lines

    def value(self, event: _Event, path: str, depth: int) -> Any:
        """Read the value that begins with `event`."""
        self.lines.setdefault(path or ROOT, event.line)
        if depth > JSON_DEPTH_MAX:
            raise _refused(f"may nest {JSON_DEPTH_MAX} deep, and this is deeper", event.line)
        if event.kind == "Scalar":
            return _scalar(event.value) if event.is_plain else event.value
        if event.kind == "SequenceStart":
            return self.sequence(path, depth)
        return self.mapping(path, depth)

    def sequence(self, path: str, depth: int) -> list[Any]:
        values: list[Any] = []
        while (event := next(self.events)).kind != "SequenceEnd":
            values.append(self.value(event, item_path(path, len(values)), depth + 1))
        return values

    def mapping(self, path: str, depth: int) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        while (event := next(self.events)).kind != "MappingEnd":
            if event.kind != "Scalar":
                raise _refused("a key must be text, not a list or a mapping", event.line)
            key = _scalar(event.value) if event.is_plain else event.value
            if key in values:
                raise _refused(f"the key {quoted(key)} is there twice", event.line)
            child = next(self.events)
            child_path = key_path(path, str(key))
            if child.kind != "Scalar":
                self.lines[child_path] = event.line  # Its key is what people look for.
            values[key] = self.value(child, child_path, depth + 1)
        return values


def _scalar(text: str) -> Any:
    """
    Read a value without quotes by the core schema of YAML 1.2, where a date is text.

    >>> [_scalar(text) for text in ("no", "true", "~", "012", "0x1f", "1e3", "2026-03-01")]
    ['no', True, None, 12, 31, 1000.0, '2026-03-01']
    """
    if text in PLAIN:
        return PLAIN[text]
    if INTEGER.fullmatch(text) and len(text) <= WHOLE_CHARS_MAX:
        return int(text)
    if based := BASED_INTEGER.fullmatch(text):
        return int(based[1] or based[2], 8 if based[1] else 16)
    if FLOAT.fullmatch(text):
        return float(text)
    if NO_NUMBER.fullmatch(text):
        return float(text.replace(".", ""))
    return text
