"""A language model may be good, slow, wrong or gone. A real server plays it, on a real socket."""

import asyncio
import json
import logging
import socket
import threading
import time
from contextlib import contextmanager
from typing import Any

import pytest

from laurels.advice import call as call_module
from laurels.advice import language_model
from laurels.advice.call import AddressUnusable, Call, CallFailed, endpoint
from laurels.advice.language_model import ASKED_AT_ONCE_MAX, LanguageModel
from laurels.advice.words import REASON_CHARS_MAX
from laurels.engine.recommend.advice import Advice, Choice, Question

QUESTION = Question(
    (("purchase.completed", 7),), (Choice("buyer", "Big spender", "purchase.completed", 5, 80),)
)
WITHIN_S = 0.3
PATIENCE_S = 10


def spoken(content: Any) -> bytes:
    """Return the body of a completion whose message has this content."""
    text = content if isinstance(content, str) else json.dumps(content)
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "c", "choices": [{"index": 0, "message": message}]}).encode()


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


GOOD = {"ids": ["buyer", "nope", "buyer"], "reason": "You are nearly there."}


class Model:
    """Answers each connection with the same bytes, whole or a byte at a time."""

    def __init__(self, reply: bytes, drip_s: float | None = None) -> None:
        self.reply = reply
        self.drip_s = drip_s
        self.requests: list[bytes] = []
        self.asked = threading.Event()
        self.hung_up = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []
        self.spawn(self.accept)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1/"

    def spawn(self, work, *args):
        thread = threading.Thread(target=work, args=args)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while not self.stopping.is_set():
            peer, _ = self.listener.accept()
            self.spawn(self.serve, peer)

    def serve(self, peer):
        with peer:
            head, _, body = self.received(peer, b"", lambda data: b"\r\n\r\n" in data).partition(
                b"\r\n\r\n"
            )
            if not head:
                return
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = self.received(peer, body, lambda data: len(data) >= length)
            self.requests.append(head + b"\r\n\r\n" + body)
            self.asked.set()
            try:
                self.answer(peer)
            except OSError:
                self.hung_up += 1

    def received(self, peer, data, is_enough):
        while not is_enough(data) and (more := peer.recv(65_536)):
            data += more
        return data

    def answer(self, peer):
        if self.drip_s is None:
            peer.sendall(self.reply)
            return
        for byte in self.reply:
            if self.stopping.wait(self.drip_s):
                return
            peer.sendall(bytes([byte]))

    def close(self):
        self.stopping.set()
        with socket.create_connection(self.listener.getsockname()):
            pass
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        self.listener.close()


@contextmanager
def a_model(reply, drip_s=None):
    model = Model(reply, drip_s)
    try:
        yield model
    finally:
        model.close()


def adviser(url, key=None, within_s: float = PATIENCE_S):
    return LanguageModel(endpoint(url, key), "llama", answer_within_s=within_s)


def asked(model, **more):
    return asyncio.run(adviser(model.url, **more).advise(QUESTION))


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "laurels-advice"]


@pytest.fixture(autouse=True)
def no_thread_lingers():
    yield
    give_up = time.monotonic() + PATIENCE_S
    for thread in threads():
        thread.join(max(0, give_up - time.monotonic()))
    assert not threads()


def test_good_advice_is_taken():
    with a_model(http(spoken(GOOD))) as model:
        advice = asked(model, key="sk-1")

    assert advice == Advice(("buyer", "nope", "buyer"), "You are nearly there.")


def test_the_question_is_what_openai_understands_and_holds_nothing_else():
    with a_model(http(spoken(GOOD))) as model:
        asked(model, key="sk-1")

    (request,) = model.requests
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert "\r\nAuthorization: Bearer sk-1" in head
    sent = json.loads(body)
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("llama", 200, False)
    schema = sent["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["ids", "reason"]
    system, user = sent["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert json.loads(user["content"]) == {
        "recentEvents": [{"name": "purchase.completed", "count": 7}],
        "goals": [
            {
                "id": "buyer",
                "title": "Big spender",
                "event": "purchase.completed",
                "target": 5,
                "progress": 80,
            }
        ],
    }


def test_without_a_key_none_is_sent():
    with a_model(http(spoken(GOOD))) as model:
        assert asked(model)

    assert b"authorization" not in model.requests[0].lower()


@pytest.mark.parametrize(
    "reply",
    [
        http(b'{"error": {"message": "overloaded"}}', "500 Internal Server Error"),
        http(spoken(GOOD), "201 Created"),
        http(b"", "302 Found", "Location: http://127.0.0.1:1/v1/chat/completions"),
        http(spoken(GOOD), "307 Temporary Redirect", "Location: /v1/chat/completions"),
        http(b"<html>It works</html>"),
        http(b""),
        http(b"null"),
        http(b'{"choices": []}'),
        http(b'{"choices": [{"message": {"content": null}}]}'),
        http(b'{"choices": [{"message": {"content": "\\ud800"}}]}'),
        http(b"\xff" * 100),
        http(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'),
        http(b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b', "choices": []}'),
        http(spoken("I would say: buyer!")),
        http(spoken('```json\n{"ids": ["buyer"], "reason": "Go."}\n```')),
        http(spoken({"ids": "buyer", "reason": "Go."})),
        http(spoken({"ids": [1], "reason": "Go."})),
        http(spoken({"ids": ["buyer"]})),
        http(spoken({"ids": ["buyer"], "reason": None})),
        http(spoken({"ids": ["buyer"], "reason": " \n\u200b "})),
        http(spoken({"ids": ["buyer"], "reason": "Go.", "more": 1})),
        http(spoken(GOOD) + b" " * 65_536),
        http(spoken(GOOD))[:-1],
        http(spoken(GOOD), "200 OK", "Content-Encoding: gzip")[:-30],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_whatever_is_not_what_was_asked_for_is_no_advice(reply, caplog):
    with a_model(reply) as model:
        assert asked(model) is None

    assert len(model.requests) == 1, "nothing is followed, nothing is tried again"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_of_a_huge_answer_little_is_read():
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50_000_000
    with a_model(endless) as model:
        began = time.monotonic()
        assert asked(model) is None
        assert time.monotonic() - began < PATIENCE_S / 2

    assert model.hung_up == 1


@pytest.mark.parametrize(
    "reply",
    [
        http(spoken(GOOD) + b" " * 1_000),
        b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 100,
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 1_000,
    ],
    ids=["body", "headers", "no_length", "chunks"],
)
def test_an_answer_that_drips_is_cut_off(reply, caplog):
    """No step on the socket takes long; all together would."""
    with a_model(reply, drip_s=0.02) as model:
        began = time.monotonic()
        assert asked(model, within_s=WITHIN_S) is None
        took = time.monotonic() - began
        for thread in threads():
            thread.join(PATIENCE_S)
        assert not threads(), "nobody goes on reading"

    assert WITHIN_S <= took < WITHIN_S + 1
    assert "did not answer within 0.3 s" in caplog.text


def test_a_model_that_says_nothing_is_not_waited_for():
    with a_model(b"x", drip_s=PATIENCE_S) as model:
        began = time.monotonic()
        assert asked(model, within_s=WITHIN_S) is None
        assert time.monotonic() - began < WITHIN_S + 1


def test_where_nobody_listens_there_is_no_advice(caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

    assert asyncio.run(adviser(url).advise(QUESTION)) is None
    assert "could not be asked (NewConnectionError)" in caplog.text


def test_few_are_asked_at_once_and_the_others_hear_so_immediately():
    async def play(model):
        sage = adviser(model.url, within_s=WITHIN_S)
        slow = [asyncio.create_task(sage.advise(QUESTION)) for _ in range(ASKED_AT_ONCE_MAX)]
        await asyncio.sleep(0)
        began = time.monotonic()
        assert await sage.advise(QUESTION) is None
        assert time.monotonic() - began < WITHIN_S / 2
        assert await asyncio.gather(*slow) == [None] * ASKED_AT_ONCE_MAX
        for thread in threads():
            await asyncio.to_thread(thread.join, PATIENCE_S)
        model.drip_s = None
        model.reply = http(spoken(GOOD))
        assert await sage.advise(QUESTION)

    with a_model(b"HTTP/1.1 200 OK\r\n" * 100, drip_s=0.02) as model:
        asyncio.run(play(model))


def test_who_is_called_off_hangs_up():
    async def play(model):
        asking = asyncio.create_task(adviser(model.url).advise(QUESTION))
        assert await asyncio.to_thread(model.asked.wait, PATIENCE_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with a_model(b"x", drip_s=PATIENCE_S) as model:
        asyncio.run(play(model))
        for thread in threads():
            thread.join(PATIENCE_S)
        assert not threads()


def test_a_call_that_was_hung_up_before_it_began_sends_nothing():
    with a_model(http(spoken(GOOD))) as model:
        call = Call(endpoint(model.url), b"{}", step_s=1)
        call.hang_up()
        with pytest.raises(CallFailed, match="nobody waits"):
            call.run()
        call.hang_up()

    assert model.requests == []


def test_a_bug_of_ours_is_no_advice_either(monkeypatch, caplog):
    monkeypatch.setattr(call_module.HTTPConnection, "connect", lambda _: 1 / 0)

    assert asyncio.run(adviser("http://127.0.0.1:1/v1").advise(QUESTION)) is None
    assert "ZeroDivisionError" in caplog.text


def test_a_question_that_cannot_be_put_is_not_out_for_ever(monkeypatch, caplog):
    def no_thread(_):
        raise RuntimeError("can't start new thread")

    sage = adviser("http://127.0.0.1:1/v1")
    with monkeypatch.context() as patched:
        patched.setattr(language_model.Thread, "start", no_thread)
        for _ in range(ASKED_AT_ONCE_MAX + 1):
            assert asyncio.run(sage.advise(QUESTION)) is None

    assert caplog.text.count("no thread for it") == ASKED_AT_ONCE_MAX + 1


@pytest.mark.parametrize(
    "reply",
    [
        http(spoken({"ids": [], "reason": "Go.", "evil\nERROR forged line": 1})),
        http(spoken("evil\nERROR forged line")),
        http(b"{}", "500 evil\rERROR forged line"),
        b"evil\rERROR forged line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nevil\x0bERROR forged line\r\nX: y\r\n\r\n{}",
    ],
    ids=["field", "content", "status", "no_http", "header"],
)
def test_nothing_that_a_model_says_is_logged(reply, caplog):
    with caplog.at_level(logging.DEBUG), a_model(reply) as model:
        assert asked(model) is None

    assert "of no use" in caplog.text
    assert "evil" not in caplog.text
    assert "forged" not in caplog.text


def test_nothing_that_a_model_says_is_logged_by_a_bug_either(monkeypatch, caplog):
    def fail(_):
        raise LookupError("evil\nERROR forged line")

    monkeypatch.setattr(call_module.HTTPConnection, "connect", fail)

    assert asyncio.run(adviser("http://127.0.0.1:1/v1").advise(QUESTION)) is None
    assert "LookupError at tests.advice.test_language_model:" in caplog.text
    assert "evil" not in caplog.text


def test_neither_key_nor_question_is_logged(caplog):
    with caplog.at_level(logging.DEBUG, "laurels"), a_model(http(b"purchase.completed")) as model:
        assert asked(model, key="sk-secret") is None

    assert "sk-secret" not in caplog.text
    assert "purchase" not in caplog.text


def test_a_reason_is_made_fit_to_be_shown():
    answer = {"ids": ["buyer"], "reason": "  Go\x00 \u202eon,\n" + "é" * 500}
    with a_model(http(spoken(answer))) as model:
        advice: Any = asked(model)

    assert advice.why.startswith("Go on, é")
    assert len(advice.why) == REASON_CHARS_MAX
    assert advice.why.endswith("é…")


@pytest.mark.parametrize(
    ("base", "is_secure", "host", "port", "path"),
    [
        ("https://api.example/v1", True, "api.example", 443, "/v1/chat/completions"),
        ("http://localhost:11434", False, "localhost", 11434, "/chat/completions"),
        ("http://[::1]:8/v1/", False, "::1", 8, "/v1/chat/completions"),
    ],
)
def test_an_address_is_where_the_paths_begin(base, is_secure, host, port, path):
    found = endpoint(base)

    assert (found.is_secure, found.host, found.port, found.path) == (is_secure, host, port, path)


@pytest.mark.parametrize(
    "base", ["", "localhost:1", "ftp://x", "http://", "http://x:99999", "http://[x"]
)
def test_what_is_no_address_is_told(base):
    with pytest.raises(AddressUnusable):
        endpoint(base)
