"""What goes over the wire, seen by a client that knows nothing but sockets."""

import socket
from urllib.parse import urlsplit

import pytest
from tests.serving import Running


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with Running("serve", "--port", 0, cwd=tmp_path_factory.mktemp("wire")) as running:
        url = urlsplit(running.url)
        yield url.hostname, url.port


def ask(connection, head):
    """Send a request and return what arrives at once."""
    connection.sendall(head.replace("\n", "\r\n").encode())
    return connection.recv(65_536)


@pytest.fixture
def connection(address):
    with socket.create_connection(address, timeout=5) as connection:
        yield connection


def test_head_and_body_of_a_reply_arrive_together(connection):
    for _ in range(3):
        reply = ask(connection, "GET /v1/health HTTP/1.1\nHost: x\n\n")

        assert reply.startswith(b"HTTP/1.1 200")
        assert b'\r\n\r\n{"ok":true' in reply


def test_a_reply_without_a_body_arrives_too(connection):
    for head in ("HEAD /v1/health", "OPTIONS /v1/events"):
        reply = ask(connection, f"{head} HTTP/1.1\nHost: x\n\n")

        assert reply.split()[1] in (b"200", b"204")
        assert reply.endswith(b"\r\n\r\n")


def test_what_is_no_http_is_refused_and_closed(connection):
    assert ask(connection, "nonsense\n\n").startswith(b"HTTP/1.1 400")
    while connection.recv(65_536):
        pass


def test_a_client_that_wants_to_be_asked_for_its_body_is(connection):
    head = "POST /v1/auth/token HTTP/1.1\nHost: x\nContent-Length: 2\nExpect: 100-continue\n\n"

    assert ask(connection, head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert ask(connection, "{}").startswith(b"HTTP/1.1 400")


def test_the_last_reply_of_a_connection_arrives_before_it_closes(connection):
    reply = ask(connection, "GET /v1/health HTTP/1.1\nHost: x\nConnection: close\n\n")

    assert b'{"ok":true' in reply
    assert connection.recv(1) == b""
