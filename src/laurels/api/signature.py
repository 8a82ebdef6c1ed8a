"""Signatures of webhooks: what each scheme has in its headers, and whether one is good."""

import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from laurels.core.errors import InvalidSignature, MalformedSignature, SignatureExpired
from laurels.core.event import Instant
from laurels.core.limits import SIGNATURES_MAX
from laurels.core.source import SignatureScheme
from laurels.core.webhook import Label

Headers: TypeAlias = Mapping[bytes, bytes]
"""By lower-case name."""

WINDOW_S: Final = 300
"""How far the time that was signed may lie from ours, either way."""
STANDARD_PREFIX: Final = "whsec_"

_is_seconds: Final = re.compile(rb"[0-9]{1,15}").fullmatch


class Signed(Struct, frozen=True, kw_only=True):
    """What the headers of a delivery say of its signature, and of itself."""

    before: bytes = b""
    """What was signed ahead of the body."""
    digests: Sequence[bytes]
    """Any one of them may be right; one that could not be read is empty."""
    at_s: int | None = None
    """When it was signed, where the scheme signs that."""
    label: Label = Label(None, None)
    is_label_signed: bool = True
    """Else somebody who has seen a delivery could send it again under another name."""


def read_signed(scheme: SignatureScheme, headers: Headers) -> Signed:
    """Return what the headers say. Raises MalformedSignature."""
    return _READERS[scheme](headers)


def check_age(signed: Signed, now: Instant) -> None:
    """Raise SignatureExpired when the signature is of another time."""
    if signed.at_s is not None and abs(now // 1000 - signed.at_s) > WINDOW_S:
        raise SignatureExpired


def check_digest(
    scheme: SignatureScheme, signed: Signed, secrets: Sequence[str], body: bytes
) -> None:
    """Raise InvalidSignature unless some digest is right by some secret. Bytes are what counts."""
    is_good = False
    for secret in secrets:
        mac = hmac.new(key_of(scheme, secret), signed.before, "sha256")
        mac.update(body)
        right = mac.digest()
        for digest in signed.digests:
            is_good |= hmac.compare_digest(right, digest)
    if not is_good:
        raise InvalidSignature


def key_of(scheme: SignatureScheme, secret: str) -> bytes:
    r"""
    Return the bytes to sign with: the secret as it is written.

    Standard Webhooks alone encode theirs, and say so by a prefix that Stripe uses without encoding.

    >>> key_of("standard", "whsec_AAEC"), key_of("stripe", "whsec_AAEC")
    (b'\x00\x01\x02', b'whsec_AAEC')
    """
    if scheme == "standard" and secret.startswith(STANDARD_PREFIX):
        text = secret.removeprefix(STANDARD_PREFIX)
        return _from_base64(text.encode() + b"=" * (-len(text) % 4)) or secret.encode()
    return secret.encode()


def _stripe(headers: Headers) -> Signed:
    times: set[bytes] = set()
    digests: list[bytes] = []
    for pair in _needed(headers, b"stripe-signature").split(b","):
        key, equals, value = (part.strip() for part in pair.partition(b"="))
        if not equals:
            raise MalformedSignature("Stripe-Signature must be pairs, as t=1700000000,v1=hex.")
        if key == b"t":
            times.add(value)
        elif key == b"v1" and value:
            digests.append(_from_hex(value))
    if len(times) != 1:
        raise MalformedSignature("Stripe-Signature must have one t.")
    (time,) = times
    return Signed(before=time + b".", digests=_some(digests), at_s=_seconds(time))


def _standard(headers: Headers) -> Signed:
    id_ = _needed(headers, b"webhook-id")
    time = _needed(headers, b"webhook-timestamp")
    digests: list[bytes] = []
    for signature in _needed(headers, b"webhook-signature").split():
        version, comma, text = signature.partition(b",")
        if not comma:
            raise MalformedSignature("webhook-signature must be a list, as v1,base64 v1,base64.")
        if version == b"v1":
            digests.append(_from_base64(text))
    return Signed(
        before=b"%b.%b." % (id_, time),
        digests=_some(digests),
        at_s=_seconds(time),
        label=Label(_text(id_), None),
    )


def _github(headers: Headers) -> Signed:
    algorithm, _, text = _needed(headers, b"x-hub-signature-256").partition(b"=")
    if algorithm != b"sha256" or not text:
        raise MalformedSignature("X-Hub-Signature-256 must be sha256=hex.")
    label = _label(headers, b"x-github-delivery", b"x-github-event")
    return Signed(digests=(_from_hex(text),), label=label, is_label_signed=False)


def _shopify(headers: Headers) -> Signed:
    text = _needed(headers, b"x-shopify-hmac-sha256")
    label = _label(headers, b"x-shopify-webhook-id", b"x-shopify-topic")
    return Signed(digests=(_from_base64(text),), label=label, is_label_signed=False)


def _needed(headers: Headers, name: bytes) -> bytes:
    value = headers.get(name, b"").strip()
    if not value:
        raise MalformedSignature(f"The header {name.decode()} is missing.")
    return value


def _seconds(text: bytes) -> int:
    if _is_seconds(text) is None:
        raise MalformedSignature("The time that was signed must be whole seconds since 1970.")
    return int(text)


def _some(digests: list[bytes]) -> list[bytes]:
    if not 1 <= len(digests) <= SIGNATURES_MAX:
        raise MalformedSignature(f"There must be 1 to {SIGNATURES_MAX} signatures of version v1.")
    return digests


def _label(headers: Headers, id_: bytes, type_: bytes) -> Label:
    return Label(_text(headers.get(id_)), _text(headers.get(type_)))


def _text(value: bytes | None) -> str | None:
    """Read what is no part of a digest; headers are ASCII, or nobody knows what they are."""
    return value.decode() if value is not None and value.isascii() else None


def _from_hex(text: bytes) -> bytes:
    try:
        return binascii.unhexlify(text)
    except binascii.Error:
        return b""


def _from_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # Of which binascii.Error is one; the other is for what is not ASCII.
        return b""


_READERS: Final[Mapping[SignatureScheme, Callable[[Headers], Signed]]] = {
    "stripe": _stripe,
    "standard": _standard,
    "github": _github,
    "shopify": _shopify,
}
