"""One writer, by lock: who serves or imports into a file holds a lock beside it."""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from laurels.core.errors import LaurelsError

NAMED_WITHIN_S: Final = 0.1
"""What a holder gets to write its name, if it took the lock a moment ago."""


class StoreLocked(LaurelsError):
    """Another process writes to this store."""


@contextmanager
def writer_lock(path: Path, holder: str) -> Generator[None]:
    """
    Hold the lock while the block runs; the system lets go of it when the process ends, however.

    Raises StoreLocked with what the present holder says of itself.
    """
    with path.with_name(path.name + ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(NAMED_WITHIN_S)
            file.seek(0)
            raise StoreLocked(
                f"{path} is being written by {file.read() or 'another process'}; "
                "reach that server with --url, or stop it first"
            ) from None
        file.truncate(0)
        file.write(holder)
        file.flush()
        yield
