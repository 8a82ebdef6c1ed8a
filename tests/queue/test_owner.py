"""Whose the queue is: whoever asked first, until somebody says otherwise."""

from contextlib import closing

from laurels.link import connect_blocking
from laurels.queue.names import INSTALLATION
from laurels.queue.owner import owner
from laurels.queue.parked import RedisParked


def test_it_is_whoevers_asked_first(url):
    with closing(connect_blocking(url)) as link:
        assert [owner(link, each) for each in ("a", "a", "b", "a")] == ["a", "a", "a", "a"]
        link.set(INSTALLATION, b"b\xff")
        assert owner(link, "a") == r"b\xff"


def test_whoever_looks_after_what_is_parked_can_tell_whose_it_is(url):
    with closing(connect_blocking(url)) as link:
        parked = RedisParked(link)
        assert parked.installation() is None
        owner(link, "a")
        assert parked.installation() == "a"


def test_whoever_has_it_may_come_back_to_empty_a_redis_that_is_full(redis_server):
    redis_server.flush()
    with closing(connect_blocking(redis_server.url)) as link:
        assert owner(link, "a") == "a"
        link.config_set("maxmemory", 1)
        try:
            assert owner(link, "a") == "a"
            assert owner(link, "b") == "a"
        finally:
            link.config_set("maxmemory", 0)
