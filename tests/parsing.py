"""Trees to parse: one sound entry of each kind, to which a test adds what it is about."""

from typing import Any

import pytest

from laurels.core.errors import RulebookRefused
from laurels.core.parse import parse_rulebook

ONE = 1_000_000
SIGNUP: dict[str, Any] = {"id": "welcome", "event": "signup", "points": 50}
GOAL: dict[str, Any] = {"id": "goal", "objectives": [{"event": "walk", "count": 3}]}
LADDER: dict[str, Any] = {
    "by": "points",
    "levels": [{"id": "low", "at": 0}, {"id": "high", "at": 9}],
}
STREAK: dict[str, Any] = {"id": "daily", "event": "login"}
BOARD: dict[str, Any] = {"id": "top", "event": "quiz", "score": {"sum": "score"}}
CONTEST: dict[str, Any] = {**BOARD, "id": "cup", "starts": "2026-03-01", "ends": "2026-04-01"}
OFFER: dict[str, Any] = {"id": "coffee"}


def earn(**keys):
    return {"earn": [SIGNUP | keys]}


def challenge(**keys):
    return {"challenges": [GOAL | keys]}


def objective(**keys):
    return challenge(objectives=[{"id": "o", "event": "walk"} | keys])


def tiers(**keys):
    return {"tiers": LADDER | keys}


def level(**keys):
    return tiers(levels=[{"id": "low", "at": 5} | keys])


def streak(**keys):
    return {"streaks": [STREAK | keys]}


def board(**keys):
    return {"leaderboards": [BOARD | keys]}


def contest(**keys):
    return {"contests": [CONTEST | keys]}


def offer(**keys):
    return {"rewards": [OFFER | keys]}


def problems(tree):
    with pytest.raises(RulebookRefused) as refused:
        parse_rulebook(tree)
    return [f"{problem.path}: {problem.message}" for problem in refused.value.problems]


def read_one(tree):
    """Return the one entry of a rulebook that has only one."""
    book = parse_rulebook(tree)
    (section,) = tree
    (entry,) = getattr(book, "offers" if section == "rewards" else section)
    return entry


FULL: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "week_starts": "sunday",
    "currencies": ["points", {"id": "gem", "expires": {"days": 90}}],
    "incidents": [{"from": "2026-03-01T10:00:00Z", "to": "2026-03-01T14:00:00Z"}],
    "campaigns": [{"id": "spring", "title": "Spring", "starts": "2026-03-01", "multiplier": 2}],
    "earn": [
        SIGNUP | {"campaign": "spring", "cap": {"points": 9, "per": "daily"}},
        {
            "id": "more",
            "fact": "points.posted",
            "where": {"rule": "welcome"},
            "points": {"of": "n"},
        },
        {"id": "gems", "event": "x", "currency": "gem", "amount": 1, "expires": {"days": 30}},
    ],
    "badges": [{"id": "b", "title": "B", "event": "e", "where": {"x": 1}, "rarity": "rare"}],
    "challenges": [
        GOAL,
        {
            "id": "month",
            "window": {"days": 30, "begins": "enrolment"},
            "enrolment": "asked",
            "requires": ["goal"],
            "repeat": 2,
            "drop_off_hours": 72,
            "needs": "any",
            "claim": "manual",
            "objectives": [
                {"id": "one", "event": "e", "count": 2},
                {"id": "two", "event": "f", "sum": "n", "target": 2.5, "after": ["one"]},
            ],
            "milestones": [
                {"id": "half", "objective": "one", "at": 1, "rewards": [{"badge": "b"}]}
            ],
            "rewards": [{"freeze": "daily"}, {"reward": "coffee"}, {"item": "hat", "quantity": 2}],
        },
    ],
    "tiers": LADDER | {"requalify": {"every": "yearly", "grace_days": 30}},
    "streaks": [
        STREAK
        | {
            "every": {"days": 2},
            "grace_hours": 3,
            "freezes": {"cap": 2, "earn_every": 7, "apply": "asked", "price": {"points": 50}},
            "milestones": [{"at": 7, "rewards": [{"points": 70}]}],
        }
    ],
    "leaderboards": [BOARD | {"segment": "country", "period": "weekly"}],
    "contests": [
        CONTEST
        | {
            "prizes": [{"ranks": 1, "rewards": []}, {"ranks": "2-3", "rewards": [{"points": 5}]}],
            "velocity": {"per_minute": 100, "action": "hold"},
            "draft": True,
        }
    ],
    "rewards": [OFFER | {"price": {"gem": 5}, "stock": 100, "per_participant": "unlimited"}],
    "webhooks": [
        {
            "source": "acme",
            "signature": "github",
            "id": "a.b",
            "participant": "who",
            "events": [{"type": "t", "event": "e", "properties": "."}],
        }
    ],
}
"""A rulebook with a little of everything."""
