"""A store knows which one it is, from the first time that it is asked."""

from concurrent.futures import ThreadPoolExecutor

from tests.belongings import rows_by_table
from tests.cast import open_at, other_hand

SEVERAL = 8


def test_whoever_asks_first_all_hear_the_same(place):
    stores = [open_at(place) for _ in range(SEVERAL)]
    with ThreadPoolExecutor(SEVERAL) as threads:
        told = set(threads.map(lambda store: store.installation(), stores))
    for store in stores:
        store.close()

    assert rows_by_table(place)["installation"] == [(1, *told)]


def test_no_two_stores_are_the_same(places):
    told = []
    for _ in range(2):
        with places() as place:
            store = open_at(place)
            told.append(store.installation())
            store.close()

    assert told[0] != told[1]


def test_a_copy_that_forgets_who_it_was_is_another(place):
    store = open_at(place)
    before = store.installation()
    with other_hand(place) as hand:
        hand.execute("DELETE FROM installation")
    after = store.installation()
    store.close()

    assert before != after
