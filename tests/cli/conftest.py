"""Repositories, stores and servers for the command line."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import Running, laurels

RULEBOOK = Path(__file__).parents[2] / "src/laurels/cli/demo/rulebook.yaml"


class Repo:
    """A real git repository, made by real git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.run("init", "--quiet", "--initial-branch=main")

    def run(self, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
        # Nothing of the user's own git settings may reach a test.
        clean = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
        clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        who = {
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        run = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=clean | who | (env or {}),
            input=stdin,
            capture_output=True,
            check=True,
        )
        return run.stdout.decode().strip()

    def commit(self, subject: str, files: dict[str, bytes] | None = None, **env: str) -> str:
        for name, content in (files or {}).items():
            (self.folder / name).write_bytes(content)
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "--message", subject, env=env)
        return self.run("rev-parse", "HEAD")

    def commit_raw(self, author: str) -> None:
        """Make a commit as git itself would refuse to: `author` is the name, address and date."""
        tree = self.run("write-tree")
        parent = self.run("rev-parse", "HEAD")
        text = f"tree {tree}\nparent {parent}\nauthor {author}\ncommitter {author}\n\nodd\n"
        made = self.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        self.run("update-ref", "HEAD", made)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    if shutil.which("git") is None:
        pytest.skip("there is no git on this machine")
    return Repo(tmp_path / "repo")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    assert laurels("tenants", "create", "demo", cwd=folder).returncode == 0
    assert laurels("rulebook", "apply", RULEBOOK, cwd=folder).returncode == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with a store that has a tenant and a rulebook: a copy of what was made once."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with Running("serve", "--port", 0, "--rulebook", RULEBOOK, cwd=tmp_path) as running:
        yield running
