"""A store with rows in every table, to be moved to another house."""

from pathlib import Path
from typing import Any

from tests.cast import CAFE, DAY, HOUR, NOON, SHOP, SHOP_TEST, Stage, other_hand

from laurels.core.command import (
    HOUSE,
    AwardBadge,
    ClaimReward,
    CloseContest,
    Describe,
    EndHold,
    Freeze,
    Hold,
    Pause,
    Reset,
)
from laurels.engine.answers import BoardName
from laurels.engine.inbox import Delivery, Settled
from laurels.engine.registry import ApiKey, App
from laurels.store.store import SqlStore

EVERYTHING = Path(__file__).parent / "examples" / "everything.yaml"
PEOPLE = ("ann", "bob", "cid", "Zoë 🦊", "a\x7f\ufffd\U0010ffff", "a")
"""Whom databases might sort differently, too."""


def fill(stage: Stage, people: tuple[str, ...] = PEOPLE) -> None:
    """Let everything happen that leaves a row somewhere. The stage plays `EVERYTHING`."""
    _sign_up(stage.store)
    stage.store.registry.put_rulebook(CAFE, EVERYTHING.read_text("utf-8"), NOON)
    for day in range(14):
        for who in people:
            stage.send(
                stage.event("login", who, key=f"login {day}"),
                stage.event("quiz_completed", who, score=day, properties={"score": day + 0.5}),
                stage.event("quiz_completed", who, world=CAFE, score=1),
                stage.event("purchase_completed", who, amount=200, note="\"\\'\t\r\n,\u2028"),
            )
        stage.clock.move(by=DAY)
    while stage.store.merge_analytics():
        pass
    _spend(stage)
    _receive(stage)
    _close(stage)
    stage.tell("login", "cid", key="the last")


def _sign_up(store: SqlStore) -> None:
    registry = store.registry
    for name in ("shop", "cafe", "gone"):
        registry.create_tenant(name, NOON)
    registry.set_disabled("gone", disabled=True)
    registry.put_app(App(id="till", tenant=SHOP, secret_digest=bytes(range(32))), NOON)
    for number, expires_at in ((0, None), (1, NOON + DAY)):
        key = ApiKey(
            id=f"key_{number}",
            tenant=SHOP,
            scopes=frozenset({"admin", "ingest"}),
            expires_at=expires_at,
        )
        registry.put_key(key, digest=bytes([number, 0, 255] * 10), hint="bq_live_0", at=NOON)
    registry.revoke_key("key_1")
    store.installation()


def _stamp(stage: Stage, who: str = "ann", key: str | None = None) -> dict[str, Any]:
    received_at, (id_,) = stage.clock.accept(1)
    return {
        "tenant": SHOP,
        "id": id_,
        "participant": who,
        "received_at": received_at,
        "key": key,
    }


def _spend(stage: Stage) -> None:
    stage.store.registry.put_codes(SHOP, "coffee", ["C-1", "C-2", "Ć-3"], NOON)
    now = stage.clock.at
    (held,) = stage.send(Hold(**_stamp(stage, key="held"), amount=30, expires_at=now + HOUR))
    stage.send(
        stage.claim("fitness", key="claimed"),
        ClaimReward(**_stamp(stage, key="one coffee"), offer="coffee", pays=True),
        ClaimReward(**_stamp(stage, "bob"), offer="mug"),
        EndHold(**_stamp(stage), hold=held.id, capture=True, amount=10),
        Hold(**_stamp(stage, "bob"), amount=20),
        AwardBadge(**_stamp(stage, "bob"), badge="quiz_master"),
        Freeze(**_stamp(stage), streak="daily_login", action="grant"),
        Pause(**_stamp(stage), streak="daily_login", starts=now + 3 * DAY, ends=now + 5 * DAY),
        Describe(**_stamp(stage), display_name="Ann ✓", timezone="Europe/Berlin"),
        Reset(**_stamp(stage, "a")),
    )


def _receive(stage: Stage) -> None:
    inbox, deliveries = stage.store.inbox, []
    for number in range(3):
        received_at, (event,) = stage.clock.accept(1)
        delivery = Delivery(
            tenant=SHOP,
            source="stripe",
            id=f"evt_{number}",
            event=event,
            type="invoice.paid",
            body=bytes(range(256)) * number,
            received_at=received_at,
            fingerprint=bytes([number, 255]) * 16 if number else None,
            due_at=received_at,
        )
        deliveries.append(delivery)
        inbox.put([delivery])
    first, _ = stage.store.inbox.due(SHOP, stage.clock.at, 1)[0]
    inbox.settle([Settled(first, "parked", "It cannot be read.", attempts=1, due_at=None)])
    stage.store.denylist.revoke_token(SHOP, "jti", at=NOON, expires_at=NOON + 99 * DAY)
    stage.store.denylist.revoke_participant(SHOP, "cid", at=NOON)


def _close(stage: Stage) -> None:
    stage.send(CloseContest(**_stamp(stage, HOUSE), contest="old_cup"))
    board = BoardName("weekly_points", "2024-05-27")
    stage.store.take_snapshot(SHOP, board, day=stage.clock.at // DAY)
    event = stage.event("login", "bob", world=SHOP_TEST)
    with stage.store.transaction() as of_tenant:
        of_tenant(SHOP_TEST).put_duplicates({event.id: "another"})


def rows_by_table(place: Any) -> dict[str, list[Any]]:
    """All that a store holds, past our own code: the two databases must say the same."""
    with other_hand(place) as hand:
        if isinstance(place, Path):
            found = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        else:
            found = (
                "SELECT relname FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace AND relname <> 'schema_migrations'"
            )
        tables = sorted(name for (name,) in hand.execute(found).fetchall())
        return {
            table: sorted(hand.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
        }
