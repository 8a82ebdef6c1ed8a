"""`laurels.secrets`: what a first start makes up when nobody gave it secrets."""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from laurels import wiring
from laurels.core.errors import LaurelsError
from laurels.settings import Settings, variable

NAME: Final = "laurels.secrets"
MADE: Final = {
    "jwt_secret": lambda: secrets.token_hex(32),
    "bootstrap_app_secret": lambda: secrets.token_hex(32),
    "bootstrap_api_key": lambda: f"bq_live_admin_{secrets.token_hex(16)}",
}
"""The settings that no server can do without, and how each is made."""


class SecretsNotKept(LaurelsError):
    """The secrets file cannot be read or written."""


def is_served(store: str) -> bool:
    """Whether a store is a server's, and no file on this machine."""
    return store.startswith(wiring.POSTGRES)


def place(store: str) -> Path:
    """
    Say where the secrets of a store are kept: beside it, or here if it is elsewhere.

    >>> place("postgresql://db.example.org/laurels").as_posix()
    'laurels.secrets'
    """
    return Path(NAME) if is_served(store) else wiring.store_path(store).parent / NAME


def load(store: str) -> dict[str, str]:
    """Read the secrets kept for a store, by the name of their variable."""
    try:
        lines = place(store).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise SecretsNotKept(f"{place(store)} cannot be read: {problem}.") from problem
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def complete(settings: Settings) -> tuple[Settings, dict[str, str]]:
    """Make the secrets that are missing and keep them; return the settings and the new secrets."""
    store = settings.store
    new = {name: make() for name, make in MADE.items() if getattr(settings, name) is None}
    if new:
        _keep(store, load(store) | {variable(name): value for name, value in new.items()})
    return msgspec.structs.replace(settings, **new), new


def _keep(store: str, kept: dict[str, str]) -> None:
    lines = ["# Made by the first start of Laurels. Keep it to yourself.\n"]
    lines += [f"{name}={value}\n" for name, value in kept.items()]
    draft = place(store).with_name(f"{NAME}.{os.getpid()}")
    try:
        # Never readable by others, not even for a moment, and never half written.
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place(store))
    except OSError as problem:
        raise SecretsNotKept(f"{place(store)} cannot be written: {problem}.") from problem
