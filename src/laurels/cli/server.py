"""A running server: its socket, its one line on standard output, its graceful end."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Final

import click
import uvicorn
import uvloop

from laurels.api.protocol import Protocol
from laurels.settings import Settings
from laurels.wiring import Server

PORTS_TRIED_MAX: Final = 200
BACKLOG_MAX: Final = 2048
OPEN_WHILE_DRAINING_S: Final = 0.3
"""How long whoever connects still hears that we are stopping, and goes elsewhere."""
DRAIN_S_MAX: Final = 8
"""How long running requests get to finish; the rest of the ten seconds is for the store."""
YOUNG_OBJECTS_MAX: Final = 50_000


def listen(host: str, port: int, *, or_next: bool = False) -> socket.socket:
    """
    Return a listening socket: on `port`, or with `or_next` on the first free one from there on.

    The socket itself is handed on, so nobody can take the port between the finding and the use.
    """
    last = min(port + PORTS_TRIED_MAX, 65535) if or_next and port else port
    reason = ""
    for candidate in range(port, last + 1):
        try:
            return _bind(host, candidate)
        except OSError as problem:
            reason = problem.strerror or str(problem)
    tried = f"port {port}" if last == port else f"any port from {port} to {last}"
    raise click.ClickException(f"Cannot listen on {tried} of {host}: {reason}.")


def url_of(listener: socket.socket) -> str:
    """Return the address at which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(server: Server, listener: socket.socket, settings: Settings, ready: str) -> None:
    """Serve until a signal says stop; print `ready` once requests are taken."""
    config = uvicorn.Config(
        server.app,
        http=Protocol,
        ws="none",
        lifespan="auto",
        access_log=False,
        log_level=settings.log_level,
        server_header=False,
        # Who calls through a proxy on this machine only matters where addresses are limited.
        proxy_headers=bool(settings.rate_limit_address),
        backlog=BACKLOG_MAX,
        timeout_graceful_shutdown=DRAIN_S_MAX,
    )
    _allow_connections()
    uvloop.run(_serve(server, _Uvicorn(config, server, ready), listener))


def _allow_connections() -> None:
    """Take all the open files that we may have; a shell gives few of them unasked."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # Some systems promise more than they give.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(server: Server, uvicorn_: "_Uvicorn", listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, uvicorn_.handle_exit, number, None)
    server.gather.start()
    server.company.start()
    beside = [
        asyncio.create_task(server.scheduler.run()),
        asyncio.create_task(server.edge.revocations.run()),
        asyncio.create_task(server.inbox.run()),
        asyncio.create_task(server.edge.hub.run()),
    ]
    try:
        await uvicorn_.serve(sockets=[listener])
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await server.gather.close()
        await server.company.close()


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, server: Server, ready: str) -> None:
        super().__init__(config)
        self.server = server
        self.ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # Uvicorn's own would raise the signal again before what waits has been committed.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What has been loaded by now lives as long as the process: the collector need not walk
        # it again and again. Requests make few circles, so it need not look often either.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 50)
        say(self.ready)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.server.edge.draining = True
        self.server.edge.hub.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(OPEN_WHILE_DRAINING_S)
        await super().shutdown(sockets)


def say(line: str) -> None:
    """Print a line that a script may wait for."""
    click.echo(line)
    sys.stdout.flush()


@contextlib.contextmanager
def tidy_on_termination() -> Generator[None]:
    """Let SIGTERM unwind like Ctrl-C does, so that locks and temporary folders are given back."""

    def stop(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before: Callable[..., object] | int | None = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Two sockets may be bound to one port; only one of them can listen.
        listener.listen(BACKLOG_MAX)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 - that is its signature
    return listener
