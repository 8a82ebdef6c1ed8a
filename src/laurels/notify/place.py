"""
Where in Redis something shared lies.

Keys are digests, so that nobody's id is written there. Each has one of 64 hash tags: a cluster
spreads the tags over its nodes, and one call can take all keys of one tag.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from laurels.core.limits import RECEIPTS_SHARED_MAX

TAGS: Final = 64
DIGEST_BYTES: Final = 16

_encode: Final = msgspec.msgpack.Encoder().encode


def digest_of(*parts: str) -> bytes:
    """
    Return what stands for these texts, and for no others.

    >>> digest_of("a", "bc") == digest_of("ab", "c")
    False
    """
    return blake2b(_encode(parts), digest_size=DIGEST_BYTES).digest()


def rate_key(name: str, key: str) -> bytes:
    digest = digest_of(name, key)
    return b"{laurels-%d}:rate:%b" % (digest[0] % TAGS, digest.hex().encode())


def receipt_key(digest: bytes) -> bytes:
    """Return the place of a receipt, which others may have as well: the last one put there lies."""
    place = int.from_bytes(digest[:8], "big") % RECEIPTS_SHARED_MAX
    return b"{laurels-%d}:receipt:%d" % (place % TAGS, place)


def tag_of(key: bytes) -> bytes:
    """
    Return what keys begin with that one call to a cluster may take together.

    >>> tag_of(b"{laurels-1}:a")
    b'{laurels-1'
    """
    return key.partition(b"}")[0]
