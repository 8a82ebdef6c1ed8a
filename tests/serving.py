"""A real `laurels` process, for promises that are about the process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import urllib3

READY = "http://"
START_S_MAX = 60
STOP_S_MAX = 15


def environment(**settings: str) -> dict[str, str]:
    """Ours, without the settings of whoever runs the tests."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LAURELS_")}
    return kept | settings


def laurels(
    *arguments: object, cwd: Path, env: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    run = subprocess.run(
        [*program(), *map(str, arguments)],
        cwd=cwd,
        env=env or environment(),
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(
        run.args, run.returncode, run.stdout.decode(), run.stderr.decode()
    )


def program() -> list[str]:
    return [sys.executable, "-c", "from laurels.cli import main; main()"]


class Running:
    """
    A command that serves, from its line with the URL on. `by` is what runs it, if not us.

    `log` is a file for what it says on standard error, where that may become too much for a pipe.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        env: dict[str, str] | None = None,
        by: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        self.cwd = cwd
        self.log = log
        with nullcontext(subprocess.PIPE) if log is None else log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*(by or program()), *map(str, arguments)],
                cwd=cwd,
                env=env or environment(),
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.said: list[str] = []
        # Whoever says nothing for that long will never serve.
        patience = threading.Timer(START_S_MAX, self.process.kill)
        patience.start()
        try:
            self.url = self._wait()
        except BaseException:
            self.__exit__()
            raise
        finally:
            patience.cancel()

    def _wait(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            words = [word for word in line.split() if word.startswith(READY)]
            if words and ("listening" in line or "Serving" in line):
                return words[0]
        raise AssertionError(f"it ended: {self.said} {self._complaints()}")

    def _complaints(self) -> str:
        if self.log is not None:
            return self.log.read_text("utf-8", "replace")
        assert self.process.stderr
        return self.process.stderr.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self.process.poll() is None:
            # Gracefully, so that a demo takes its temporary folder with it.
            self.process.terminate()
        try:
            self.process.communicate(timeout=STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_S_MAX)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def secrets(self) -> dict[str, str]:
        lines = (self.cwd / "laurels.secrets").read_text("utf-8").splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        return {name: text for name, _, text in pairs}

    def get(self, path: str) -> Any:
        return self._json("GET", path)

    def post(self, path: str, body: object) -> Any:
        return self._json("POST", path, json=body)

    def _json(self, method: str, path: str, **more: Any) -> Any:
        headers = {"X-API-Key": self.secrets()["LAURELS_BOOTSTRAP_API_KEY"]}
        return urllib3.request(method, self.url + path, headers=headers, **more).json()


class Working(Running):
    """`laurels work`, from its one line on."""

    lanes: int

    def _wait(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Laurels is working on "):
                self.lanes = int(line.split()[4])
                return ""
        raise AssertionError(f"it ended: {self.said} {self._complaints()}")
