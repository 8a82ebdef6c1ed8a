"""
A process that hammers one key of a rate limit as fast as it can: it takes part in a test.

It says `ready`, waits for a line, and then prints for every answer when it asked, when it was
answered, and how long it was told to wait.
"""

import asyncio
import json
import random
import sys
import time

import uvloop

from laurels.link import connect
from laurels.notify import rates
from laurels.notify.rates import SharedRateLog


async def hammer(
    log: SharedRateLog, count: int, at_once: int, pause_s: float
) -> list[tuple[float, float, int]]:
    async def once() -> tuple[float, float, int]:
        asked = time.monotonic()
        wait = await log.wait_ms("token", 0)
        return asked, time.monotonic(), wait

    heard: list[tuple[float, float, int]] = []
    while len(heard) < count:
        heard += await asyncio.gather(*(once() for _ in range(min(at_once, count - len(heard)))))
        await asyncio.sleep(random.uniform(0, pause_s))
    return heard


async def main(url: str, limit: int, window_ms: int, *plan: str) -> None:
    count, at_once, pause_s = plan
    link = connect(url)
    await link.ping()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    rates.ANSWER_S_MAX = 20  # type: ignore[misc] # A busy machine is no Redis that is away.
    log = SharedRateLog(link, "token", limit, window_ms=window_ms)
    heard = await hammer(log, int(count), int(at_once), float(pause_s))
    sys.stdout.write(json.dumps(heard))
    await link.aclose()


if __name__ == "__main__":
    url, limit, window_ms, *plan = sys.argv[1:]
    uvloop.run(main(url, int(limit), int(window_ms), *plan))
