"""The patience towards a server, against a real one that behaves badly on purpose."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from laurels.api.bricqs import wire
from laurels.api.bricqs.read import Part
from laurels.cli import sending
from laurels.cli.items import Item
from laurels.cli.lines import Line
from laurels.cli.sending import JITTER_S_MAX, Server, ServerRefused, ServerUnreached, batches

Answer = tuple[int, dict[str, str]]
OK: Answer = (202, {})


def item(text: bytes = b"{}", place: str = "a:1") -> Item:
    return Item(Line(place, text), Part(wire.IngestEvent(participant_id="a"), wire.Texts()))


class Patience:
    """Time that passes only by sleeping, and what was slept and warned of."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.warnings: list[str] = []

    def now(self) -> float:
        return sum(self.slept)

    def server(self, url: str, give_up_after_s: float = 600) -> Server:
        return Server(
            url,
            "bq_live_x",
            give_up_after_s=give_up_after_s,
            warn=self.warnings.append,
            sleep=self.slept.append,
            now=self.now,
        )


@contextmanager
def answering(*answers: Answer, body: Callable[[int], bytes] | None = None) -> Iterator[str]:
    """A server that gives these answers in turn, and the last one for ever."""
    waiting = list(answers)

    def rows(count: int) -> bytes:
        return json.dumps({"results": [{"status": "accepted"}] * count}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            reply = (body or rows)(len(sent["events"]))
            for name, value in {**headers, "Content-Length": str(len(reply))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name for it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 0])
def test_waits_grow_as_clients_are_asked_to_and_a_warning_comes_with_the_fifth(status):
    patience = Patience()
    with answering(*[(status, {})] * 7, OK) as url:
        rows = patience.server(url).send([item(), item()])

    assert [row.status for row in rows] == ["accepted"] * 2
    base = [0.25, 0.5, 1, 2, 5, 5, 5]
    assert len(patience.slept) == len(base)
    for slept, least in zip(patience.slept, base, strict=True):
        assert least <= slept <= least + JITTER_S_MAX
    assert [warning.split()[1] for warning in patience.warnings] == ["5", "6", "7"]


def test_a_retry_after_goes_before_our_own_wait():
    patience = Patience()
    late = "Thu, 01 Jan 1970 00:00:00 GMT"
    answers = [(429, {"Retry-After": "7"}), (503, {"Retry-After": late}), OK]
    with answering(*answers) as url:
        patience.server(url).send([item()])

    assert patience.slept == [7.0, 0.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 301])
def test_what_asking_again_would_not_help_is_not_asked_again(status):
    patience = Patience()
    why = b'{"detail": "There is no such key."}'
    with (
        answering((status, {}), body=lambda _: why) as url,
        pytest.raises(ServerRefused, match=f"answered {status}: There is no such key"),
    ):
        patience.server(url).send([item()])

    assert not patience.slept


def test_patience_ends():
    patience = Patience()
    with (
        answering((503, {})) as url,
        pytest.raises(ServerUnreached, match=r"Gave up after 6 attempts: the server answered 503"),
    ):
        patience.server(url, give_up_after_s=10).send([item()])

    assert sum(patience.slept) <= 10


def test_a_wait_longer_than_the_patience_is_not_begun():
    patience = Patience()
    with (
        answering((503, {"Retry-After": "86400"})) as url,
        pytest.raises(ServerUnreached),
    ):
        patience.server(url).send([item()])

    assert not patience.slept


def test_nobody_there_and_no_address_are_told():
    patience = Patience()
    with pytest.raises(ServerUnreached, match="Connection refused"):
        patience.server("http://127.0.0.1:1", give_up_after_s=1).send([item()])
    with pytest.raises(ServerRefused, match="not the address of a server"):
        patience.server("not an address").send([item()])


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b'{"results": 7}', b'{"results": [7]}'])
def test_an_answer_that_is_not_ours_is_told(body):
    with answering(OK, body=lambda _: body) as url, pytest.raises(ServerRefused, match="Laurels"):
        Patience().server(url).send([item()])


def test_an_answer_with_too_few_rows_is_told():
    with (
        answering(OK, body=lambda _: b'{"results": []}') as url,
        pytest.raises(ServerRefused, match="Laurels"),
    ):
        Patience().server(url).send([item()])


def test_batches_hold_neither_too_many_events_nor_too_many_bytes():
    small = [item() for _ in range(1001)]
    large = [item(b"x" * 60_000) for _ in range(200)]

    assert [len(batch) for batch in batches(small, 500)] == [500, 500, 1]
    for batch in batches(large, 500):
        body = sending.BEFORE + b",".join(one.line.text for one in batch) + sending.AFTER
        assert len(body) <= 4 * 1024 * 1024
    assert sum(map(len, batches(large, 500))) == 200
