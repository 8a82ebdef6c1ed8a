"""A rulebook of 100 rules over 20 event names: five candidates a fact, some three of them met."""

from typing import Any, Final

from msgspec.json import encode

EVENT_NAMES: Final = [f"event_{number}" for number in range(20)]
CATEGORIES: Final = ["books", "toys", "food", "music"]
AMOUNT_MAX: Final = 100


def rules() -> bytes:
    """Return the rulebook as JSON. Each name has an earn rule, a badge and three challenges."""
    return encode(
        {
            "earn": [
                {"id": f"earn-{name}", "event": name, "points": {"of": "amount", "times": 1}}
                for name in EVENT_NAMES
            ],
            "badges": [
                {"id": f"badge-{name}", "event": name, "where": {"amount": {"gte": 99}}}
                for name in EVENT_NAMES
            ],
            "challenges": [challenge for name in EVENT_NAMES for challenge in _challenges(name)],
        }
    )


def _challenges(name: str) -> list[dict[str, Any]]:
    reward = {"points": 10}
    return [
        {
            "id": f"weekly-{name}",
            "window": "weekly",
            "objectives": [{"event": name, "count": 10}],
            "rewards": [reward],
        },
        {
            "id": f"reader-{name}",
            "objectives": [
                {
                    "event": name,
                    "where": {"category": "books", "amount": {"gte": 10}},
                    "count": 20,
                }
            ],
            "rewards": [reward],
        },
        {
            "id": f"spender-{name}",
            "window": "daily",
            "objectives": [
                {"event": name, "where": {"amount": {"gte": 50}}, "sum": "amount", "target": 100}
            ],
            "rewards": [reward],
        },
    ]
