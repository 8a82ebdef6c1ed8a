"""The promises of the Denylist port, for every adapter there is."""

import pytest
from tests.cast import open_at, out_of_order

from laurels.core.errors import RateLimited, Unavailable
from laurels.core.limits import CUTOFF_AHEAD_S_MAX

NOW = 1_775_817_000_500
NOW_S = NOW // 1000
LIVE, TEST = "demo/live", "demo/test"


@pytest.fixture
def opens(place):
    """Return what opens the same store once more, as another process would."""
    opened = []

    def open_one():
        opened.append(open_at(place))
        return opened[-1].denylist

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def denylist(opens):
    return opens()


def is_revoked(denylist, token_id="t", who="ann", tenant=LIVE, issued_at_s=NOW_S):
    return denylist.is_revoked(tenant, token_id, who, issued_at_s=issued_at_s)


def since(denylist, at=0, after=None, count=1_000):
    return denylist.revoked_since(at, after=after, count=count)


def test_a_token_is_revoked_in_its_tenant_alone(opens):
    one, other = opens(), opens()

    one.revoke_token(LIVE, "t", at=NOW)

    for denylist in (one, other):
        assert is_revoked(denylist)
        assert is_revoked(denylist, who="bob")
        assert not is_revoked(denylist, "t2")
        assert not is_revoked(denylist, tenant=TEST)


def test_a_participant_is_no_token_of_that_name(denylist):
    denylist.revoke_token(LIVE, "ann", at=NOW)

    assert not is_revoked(denylist, "t", "ann")
    assert denylist.cutoff_s(LIVE, "ann") is None
    denylist.revoke_participant(LIVE, "t", at=NOW)
    assert not is_revoked(denylist, "t", "ann")


def test_all_tokens_of_a_participant_are_revoked_up_to_now(denylist):
    told = denylist.revoke_participant(LIVE, "ann", at=NOW)

    assert told.cutoff_s == denylist.cutoff_s(LIVE, "ann") == NOW_S
    assert is_revoked(denylist, issued_at_s=NOW_S)
    assert is_revoked(denylist, issued_at_s=0)
    assert not is_revoked(denylist, issued_at_s=NOW_S + 1)
    assert not is_revoked(denylist, who="bob")
    assert denylist.cutoff_s(TEST, "ann") is None


def test_a_second_time_in_one_second_reaches_those_minted_in_between(denylist):
    cutoffs = [denylist.revoke_participant(LIVE, "ann", at=NOW).cutoff_s for _ in range(3)]

    assert cutoffs == [NOW_S, NOW_S + 1, NOW_S + 2]
    later = denylist.revoke_participant(LIVE, "ann", at=NOW + 60_000)
    assert later.cutoff_s == NOW_S + 60


def test_a_cut_off_does_not_run_ahead_of_time_without_end(denylist):
    for _ in range(CUTOFF_AHEAD_S_MAX + 1):
        denylist.revoke_participant(LIVE, "ann", at=NOW)

    with pytest.raises(RateLimited) as refused:
        denylist.revoke_participant(LIVE, "ann", at=NOW)

    assert refused.value.retry_after_ms == 1_000
    assert denylist.cutoff_s(LIVE, "ann") == NOW_S + CUTOFF_AHEAD_S_MAX
    denylist.revoke_participant(LIVE, "ann", at=NOW + 1_000)


def test_a_clock_that_was_set_back_lets_no_token_live_again(denylist):
    denylist.revoke_participant(LIVE, "ann", at=NOW)

    denylist.revoke_participant(LIVE, "ann", at=NOW - 5_000)

    assert denylist.cutoff_s(LIVE, "ann") == NOW_S + 1


def test_what_was_revoked_is_read_page_by_page_as_it_was_told(opens):
    one, other = opens(), opens()
    told = [
        one.revoke_token(tenant, f"t{number}", at=NOW + number // 4, expires_at=NOW + 9)
        for tenant in (LIVE, TEST)
        for number in range(10)
    ]
    told += [one.revoke_participant(LIVE, f"p{number}", at=NOW + 2) for number in range(5)]

    seen, page = [], since(other, count=3)
    while page:
        seen += page
        page = since(other, after=page[-1], count=3)

    assert sorted(map(str, seen)) == sorted(map(str, told))
    assert [each.at for each in seen] == sorted(each.at for each in told)
    assert {each.at for each in since(other, at=NOW + 2)} == {NOW + 2}


def test_what_has_expired_is_forgotten_a_slice_at_a_time(denylist):
    for number in range(5):
        denylist.revoke_token(LIVE, f"t{number}", at=NOW, expires_at=NOW + number)
    denylist.revoke_token(LIVE, "endless", at=NOW)
    denylist.revoke_participant(LIVE, "ann", at=NOW)

    gone = [denylist.forget_revocations(NOW + 4, count=3) for _ in range(3)]

    assert gone == [3, 1, 0]
    kept = {each.token_id or each.participant for each in since(denylist)}
    assert kept == {"t4", "endless", "ann"}


@pytest.mark.parametrize(
    ("first", "then", "kept"), [(1, 2, 2), (2, 1, 2), (1, None, None), (None, 1, None)]
)
def test_of_tokens_with_one_id_the_last_to_expire_counts(denylist, first, then, kept):
    denylist.revoke_token(LIVE, "t", at=NOW, expires_at=first)

    assert denylist.revoke_token(LIVE, "t", at=NOW, expires_at=then).expires_at == kept
    assert [each.expires_at for each in since(denylist)] == [kept]


def test_a_store_that_is_gone_cannot_be_asked(denylist, place):
    with out_of_order(place, "revocations"):
        with pytest.raises(Unavailable):
            is_revoked(denylist)
        with pytest.raises(Unavailable):
            denylist.revoke_token(LIVE, "t", at=NOW)

    assert not is_revoked(denylist)
