"""A git repository's history as deeds: one `git log`, read as it comes."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from laurels.core.errors import LaurelsError
from laurels.core.event import Instant
from laurels.core.limits import INSTANT_MAX_MS, INSTANT_MIN_MS, PARTICIPANT_ID_CHARS_MAX

KINDS: Final = ("feat", "fix", "docs", "test", "refactor", "chore", "build", "ci", "perf")
NAMELESS: Final = "somebody without a name"

# NUL is the one character that no field of a commit can hold. %at is the author's own moment,
# whatever the zone it was written in.
FORMAT: Final = "%x00%H%x00%P%x00%aN%x00%at%x00%s%x00"
FIELDS: Final = FORMAT.count("%x00")
CHUNK_BYTES: Final = 1 << 16

_PREFIX: Final = re.compile(r"([a-z]+)(\([^)]*\))?!?:", re.IGNORECASE)
_COUNTED: Final = re.compile(r"(\d+) (file|insertion|deletion)")


class NoHistory(LaurelsError):
    """There is no git history here."""


class Deed(NamedTuple):
    """A commit, told as an event."""

    participant: str
    name: str
    properties: dict[str, Any]
    at: Instant
    key: str


class Repository:
    """A repository whose history can be read. Raises NoHistory where there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = int(self._ask("rev-list", "--count", "HEAD"))
        self.is_shallow = self._ask("rev-parse", "--is-shallow-repository") == "true"
        common = Path(self._ask("rev-parse", "--absolute-git-dir"))
        top = common.parent if common.name == ".git" else common
        self.name = top.name.removesuffix(".git") or "repository"

    def deeds(self) -> Iterator[Deed | None]:
        """Yield the history from its first commit on, and None for a date that cannot be."""
        # Whatever the user has told git to add to a log would get between our fields.
        arguments = ["-c", "log.showSignature=false", "log", "--reverse", "--shortstat"]
        arguments += ["--no-color", "--no-ext-diff", "--no-textconv", "--no-notes", "--use-mailmap"]
        arguments += ["--encoding=UTF-8", f"--format=tformat:{FORMAT}", "HEAD", "--"]
        with subprocess.Popen(  # noqa: S603 - a list, no shell: names stay names
            self._command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        ) as process:
            assert process.stdout
            try:
                for fields in _records(process.stdout):
                    yield self._deed(*fields)
            finally:
                process.kill()

    def _deed(self, *fields: str) -> Deed | None:
        digest, parents, author, seconds, subject, counts = fields
        at = _instant(seconds)
        if at is None:
            return None
        counted = {noun: int(number) for number, noun in _COUNTED.findall(counts)}
        return Deed(
            participant=author[:PARTICIPANT_ID_CHARS_MAX].strip() or NAMELESS,
            name="merge_landed" if " " in parents else "commit_landed",
            properties={
                "repository": self.name,
                "kind": kind_of(subject),
                "files": counted.get("file", 0),
                "insertions": counted.get("insertion", 0),
                "deletions": counted.get("deletion", 0),
            },
            at=at,
            key=digest,
        )

    def _ask(self, *arguments: str) -> str:
        try:
            answer = subprocess.run(  # noqa: S603 - a list, no shell: names stay names
                self._command(*arguments),
                capture_output=True,
                check=True,
                env=_environment(),
            )
        except FileNotFoundError as problem:
            raise NoHistory("There is no git on this machine.") from problem
        except subprocess.CalledProcessError as problem:
            raise NoHistory(_reason(problem.stderr, self.folder)) from problem
        return os.fsdecode(answer.stdout).strip("\n")

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.folder), *arguments]


def kind_of(subject: str) -> str:
    """
    Return the conventional prefix of a commit's subject.

    >>> kind_of("feat(api)!: take batches"), kind_of("Merge branch 'main'")
    ('feat', 'other')
    """
    prefix = _PREFIX.match(subject)
    kind = prefix[1].lower() if prefix else ""
    return kind if kind in KINDS else "other"


def _records(stream: IO[bytes]) -> Iterator[list[str]]:
    fields: list[str] = []
    # The first field is the nothing before the first NUL, and each last one ends with the next.
    rest = b""
    while chunk := stream.read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        fields += [field.decode("utf-8", "replace") for field in whole]
        while len(fields) > FIELDS:
            yield fields[1 : FIELDS + 1]
            del fields[:FIELDS]
    if len(fields) == FIELDS:
        yield [*fields[1:], rest.decode("utf-8", "replace")]


def _instant(seconds: str) -> Instant | None:
    try:
        at = int(seconds) * 1000
    except ValueError:
        return None
    return at if INSTANT_MIN_MS <= at <= INSTANT_MAX_MS else None


def _reason(complaint: bytes, folder: Path) -> str:
    text = complaint.decode("utf-8", "replace")
    if "not a git repository" in text:
        return f"{folder} is in no git repository."
    if "ambiguous argument 'HEAD'" in text or "bad revision 'HEAD'" in text:
        return f"The git repository at {folder} has no commits yet."
    first = text.strip().partition("\n")[0] or "git said nothing about why"
    return f"The git history at {folder} cannot be read ({first})."


def _environment() -> dict[str, str]:
    # Run from a hook, git would be told of another repository than the one we stand in.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
