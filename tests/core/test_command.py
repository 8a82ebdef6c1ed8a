"""Commands: what a key is bound to, so that it does not answer for something else."""

import pytest
from tests.cast import NOON, SHOP

from laurels.core import command as commands
from laurels.core.event import Event

GIVEN = {"tenant": SHOP, "id": "1", "participant": "ann", "received_at": NOON}


ROWS = [
    (commands.AssignTier, {"tier": "gold"}, "tier"),
    (commands.Award, {"amount": 5}, "award"),
    (commands.AwardBadge, {"badge": "x"}, "badge:x"),
    (commands.Claim, {"challenge": "x"}, "claim:x"),
    (commands.ClaimReward, {"offer": "x"}, "reward:x"),
    (commands.CloseContest, {"contest": "x"}, "close:x"),
    (commands.CompleteContest, {"contest": "x"}, "complete:x"),
    (commands.Deduct, {"amount": 5}, "deduct"),
    (commands.Describe, {}, "profile"),
    (commands.EndHold, {"hold": "x", "capture": True}, "capture:x"),
    (commands.EndHold, {"hold": "x", "capture": False}, "release:x"),
    (commands.Enrol, {"challenge": "x"}, "enrol:x"),
    (commands.Freeze, {"streak": "x"}, "freeze:x"),
    (commands.Hold, {"amount": 5}, "hold"),
    (commands.Pause, {"streak": "x", "starts": NOON, "ends": NOON}, "pause:x"),
    (commands.PayPrize, {"contest": "x", "rank": 1, "rewards": (), "at": NOON}, "prize:x"),
    (commands.RecordStreak, {"streak": "x", "at": NOON}, "streak:x"),
    (commands.Recommend, {"challenges": ("x",), "why": "x"}, "recommend"),
    (commands.Reset, {}, "reset"),
    (commands.ReviewScore, {"contest": "x", "accept": True}, "review:x"),
    (commands.SettleClaim, {"claim": "x", "status": "void"}, "settle:x"),
    (commands.Tick, {"at": NOON}, "tick"),
]


@pytest.mark.parametrize(("kind", "more", "operation"), ROWS)
def test_a_key_is_bound_to_what_is_done(kind, more, operation):
    assert kind(**GIVEN, **more).operation == operation


def test_every_command_is_bound_to_something():
    assert {kind for kind, *_ in ROWS} == set(commands.Command.__args__) - {Event}
