"""`laurels.secrets`: what a first start makes up when nobody gave it secrets."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from laurels import wiring
from laurels.core.errors import LaurelsError
from laurels.settings import Settings, read, variable, without_password

NAME: Final = "laurels.secrets"
MADE: Final = {
    "jwt_secret": lambda: secrets.token_hex(32),
    "bootstrap_app_secret": lambda: secrets.token_hex(32),
    "bootstrap_api_key": lambda: f"bq_live_admin_{secrets.token_hex(16)}",
}
"""The settings that no server can do without, and how each is made."""


class SecretsNotKept(LaurelsError):
    """The secrets file cannot be read or written."""


class SecretsMissing(LaurelsError):
    """A store that others use has secrets already, and we were not told them."""


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


def complete(settings: Settings, *, may_make: bool) -> tuple[Settings, dict[str, str]]:
    """
    Make the secrets that are missing and keep them; return the settings and the new secrets.

    Where none may be made, who started before us has others, which ours would not go with.
    """
    store = settings.store
    # Whoever started here at the same moment may have kept some by now.
    kept = load(store)
    of_file = read({}, None, kept).settings
    known = {name: getattr(settings, name) or getattr(of_file, name) for name in MADE}
    new = {name: make() for name, make in MADE.items() if known[name] is None}
    if new and not may_make:
        raise SecretsMissing(_what_is_missing(settings, list(new)))
    if new:
        _keep(store, kept | {variable(name): value for name, value in new.items()})
    return msgspec.structs.replace(settings, **known | new), new


def _what_is_missing(settings: Settings, names: Sequence[str]) -> str:
    variables = [variable(name) for name in names]
    listed = " and ".join(filter(None, [", ".join(variables[:-1]), variables[-1]]))
    return (
        f"{listed} must be given: {without_password(settings.store)} already has apps or keys, and "
        "secrets generated now would not match them. The first start saved its secrets in "
        f"{NAME}, in the folder that it was run in: give its lines to every other server, as "
        "environment variables or as that file."
    )


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
