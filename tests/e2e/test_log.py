"""What looks for lost and doubled events must find them."""

import pytest
from tests.e2e.log import Log, Row, Sent, Stored, reconcile
from tests.e2e.wire import Event, Path, Reply

EVENT = Event("ada", 7, "walk", 3)
ROW = Row("E7", "k7", "ada", "walk", '{"km":3}')
SOUND = Stored([ROW], {"ada": 3})


def a_log(*answers: tuple[int, str, bool]) -> Log:
    log = Log()
    for status, event_id, duplicate in answers:
        number = log.send(Sent(Path.SINGLE, [EVENT]))
        log.answer(number, Reply(status, {}, {"event_id": event_id, "duplicate": duplicate}))
    return log


ACKED = (202, "evt_E7", False)


@pytest.mark.parametrize(
    ("log", "held"),
    [
        (a_log(ACKED), SOUND),
        (a_log(ACKED, (200, "evt_E7", True)), SOUND),
        (a_log((503, "", False)), SOUND),
        (a_log((503, "", False)), Stored([], {})),
    ],
)
def test_what_agrees_is_passed(log, held):
    assert reconcile(log, held) == []


@pytest.mark.parametrize(
    ("log", "held", "found"),
    [
        (a_log(ACKED), Stored([], {}), "k7 was acknowledged and is lost"),
        (a_log((202, "evt_X", False)), SOUND, "acknowledged as X and is stored as E7"),
        (a_log(ACKED, ACKED), SOUND, "k7 was new twice"),
        (a_log(ACKED, (200, "evt_X", True)), SOUND, "answered with E7 and with X"),
        (a_log(ACKED), Stored([ROW._replace(id="E6"), ROW], {"ada": 6}), "stored 2 times"),
        (a_log(ACKED), Stored([ROW._replace(name="step")], {"ada": 1}), "was sent as"),
        (Log(), SOUND, "k7 was never sent"),
        (a_log(ACKED), SOUND._replace(points={"ada": 6}), "6 points for events worth 3"),
        (a_log(ACKED), SOUND._replace(points={}), "0 points for events worth 3"),
        (a_log(ACKED), SOUND._replace(points={"ada": 3, "bob": 1}), "1 points for events worth 0"),
    ],
)
def test_what_does_not_agree_is_found(log, held, found):
    (finding,) = reconcile(log, held)
    assert found in finding
