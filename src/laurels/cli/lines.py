"""Lines of files that may be compressed, each with the place where it stands."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from laurels.core.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from typing_extensions import Buffer

GZIP_BEGINS: Final = b"\x1f\x8b"
STDIN: Final = "-"

Report = Callable[[str, str], None]
"""Takes a place, as in `events.jsonl:12`, and what is wrong there."""


class Line(NamedTuple):
    """A line without its end."""

    place: str
    text: bytes


class Source:
    """One input. `read_bytes` tells how much of it was read, as it lies on disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0 if name == STDIN else Path(name).stat().st_size
        self.read_bytes = 0

    def lines(self, report: Report) -> Iterator[Line]:
        """Yield every line that is not empty; report, and leave out, those that are too long."""
        name = "stdin" if self.name == STDIN else self.name
        number = 0
        try:
            with self._open() as file:
                while text := file.readline(BODY_BYTES_MAX + 2):
                    number += 1
                    if number == 1:
                        text = text.removeprefix(b"\xef\xbb\xbf")
                    whole = text.rstrip(b"\r\n")
                    if len(whole) > BODY_BYTES_MAX:
                        _skip_line(file, text)
                        report(f"{name}:{number}", f"is longer than {BODY_BYTES_MAX} bytes")
                    elif whole.strip():
                        yield Line(f"{name}:{number}", whole)
        except (EOFError, zlib.error, OSError) as problem:
            report(f"{name}:{number + 1}", f"cannot be read any further ({problem})")

    def _open(self) -> BinaryIO | gzip.GzipFile:
        handle = sys.stdin.fileno() if self.name == STDIN else os.open(self.name, os.O_RDONLY)
        file = io.BufferedReader(_Counting(handle, self))
        if file.peek(2)[:2] == GZIP_BEGINS:
            return gzip.open(file)
        return file


class _Counting(io.RawIOBase):
    """The bytes of a file as they lie on disk, counted."""

    def __init__(self, handle: int, source: Source) -> None:
        self._raw = io.FileIO(handle)
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer", /) -> int:
        count = self._raw.readinto(buffer) or 0
        self._source.read_bytes += count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _skip_line(file: BinaryIO | gzip.GzipFile, text: bytes) -> None:
    while text and not text.endswith(b"\n"):
        text = file.readline(BODY_BYTES_MAX)
