"""What members of the example's shop ask of their missions, and what its books say came of it."""

import time
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any, NamedTuple

from tests.e2e.shop import Ask, Books, about
from tests.e2e.wire import spell

RULEBOOK = File(__file__).parents[2] / "examples" / "shop.yaml"

DONE_BY: Mapping[str, list[tuple[str, dict[str, Any]]]] = {
    "spring-walk": [("walk.finished", {"km": 10})],
    "spring-buyer": [("purchase.completed", {"cart": {"total": 20}})] * 2,
    "first-boots": [("purchase.completed", {"product": "boots"})],
    "explorer": [
        *[("product.viewed", {"department": each}) for each in ("shoes", "tents", "maps")],
        ("review.written", {"stars": 5}),
    ],
}
"""Events that complete a mission; the explorer's purchase is the others'."""

PAYS = {
    "spring-walk": [("coin", 20)],
    "spring-buyer": [("coin", 50)],
    "first-boots": [("shoe_care_kit", 2)],
    "explorer": [("gem", 5), ("map", 1), ("regular", 1)],
}
MISSIONS = tuple(PAYS)

PAID = """
    SELECT rule, currency AS what, amount
      FROM postings
     WHERE target = 'p:{who}'
     UNION ALL
    SELECT change ->> 'rule', COALESCE(change ->> 'badge', change ->> 'item'),
           COALESCE(change ->> 'quantity', 1)
      FROM (SELECT value AS change
              FROM journal, json_each(changes)
             WHERE participant = '{who}')
     WHERE change ->> 'type' IN ('badge.awarded', 'item.granted')
     ORDER BY rule, what"""
STEPS = """
    SELECT value ->> 'after'
      FROM journal, json_each(changes)
     WHERE participant = '{who}'
       AND value ->> 'type' = 'progress.moved'
       AND value ->> 'challenge' = '{mission}'
     ORDER BY number"""


class Member(NamedTuple):
    """Somebody with a token."""

    name: str
    token: str

    def did(self, name: str, payload: dict[str, Any], at: int | None = None) -> bytes:
        """Report an event; it was now, if nothing else is said."""
        now = time.time_ns() // 1_000_000 if at is None else at
        body = {"userId": self.name, "name": name, "payload": payload, "timestamp": now}
        return spell("/v1/events", body, f"authorization: Bearer {self.token}")

    def claims(self, mission: str, key: str | None = None) -> bytes:
        header = f"authorization: Bearer {self.token}"
        if key is not None:
            header += f"\r\nidempotency-key: {key}"
        return spell(f"/v1/missions/{mission}/claim", {}, header)

    def claims_elsewhere(self, mission: str, key: str | None = None) -> bytes:
        """Spell the same claim as the other API does."""
        return Ask(f"/challenges/{mission}/claim", about(self.name, key)).spelled()

    def reads(self, path: str) -> bytes:
        return spell(path, None, f"authorization: Bearer {self.token}")


def paid(books: Books, who: str) -> list[tuple[str, str, int]]:
    """Return (mission, what, how much) of all that somebody was ever paid."""
    return books.rows(PAID.format(who=who))


def steps(books: Books, who: str, mission: str) -> list[int]:
    """Return where somebody stood after each step of a mission, in millionths."""
    return [after for (after,) in books.rows(STEPS.format(who=who, mission=mission))]
