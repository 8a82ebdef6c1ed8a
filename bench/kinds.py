"""
`python -m bench.kinds`: what rules of every kind cost, beside the plain ones of `make bench`.

Three servers are measured in turns: the plain rulebook; 100 rules of every kind, of which each
participant meets ten; and the same rules with participants who meet all of them.
"""

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from msgspec.json import encode

from bench import load, rulebook
from bench.__main__ import SHAPES, Server, cpu_s, say_conditions, serving, verify
from bench.rulebook import EVENT_NAMES

FEW, ALL = load.FEW_NAMES, load.ALL_NAMES
GOALS: Final = {"ten of every kind": 1.15, "all of every kind": 1.5}
WARM_UP_EVENTS: Final = 100_000
BATCHES: Final = SHAPES[1]


def rules() -> bytes:
    """Return 100 rules: five a name, and a ladder of tiers that all of their points climb."""
    return encode(
        {
            "earn": [_earn(number) for number in range(len(EVENT_NAMES))],
            "badges": [
                {"id": f"badge-{name}", "event": name, "where": {"amount": {"gte": 99}}}
                for name in EVENT_NAMES
            ],
            "challenges": [_challenge(name) for name in EVENT_NAMES],
            "streaks": [_streak(name) for name in EVENT_NAMES],
            "leaderboards": [_board(name) for name in EVENT_NAMES[::2]],
            "contests": [_contest(name) for name in EVENT_NAMES[1::2]],
            "tiers": {"by": "points", "levels": {"count": 50, "first": 1000, "growth": 1.2}},
        }
    )


def _earn(number: int) -> dict[str, Any]:
    name = EVENT_NAMES[number]
    rule: dict[str, Any] = {
        "id": f"earn-{name}",
        "event": name,
        "points": {"of": "amount", "times": 1},
    }
    if number % 4 == 0:
        rule["cap"] = {"times": 1_000_000, "per": "daily"}
    if number % 4 == 1:
        rule["expires"] = {"days": 30}
    return rule


def _challenge(name: str) -> dict[str, Any]:
    return {
        "id": f"weekly-{name}",
        "window": "weekly",
        "repeat": 10,
        "objectives": [{"id": "done", "event": name, "count": 10}],
        "milestones": [{"id": "half", "objective": "done", "at": 5, "rewards": [{"points": 5}]}],
        "rewards": [{"points": 10}],
    }


def _streak(name: str) -> dict[str, Any]:
    return {
        "id": f"daily-{name}",
        "event": name,
        "grace_hours": 3,
        "freezes": {"cap": 2, "earn_every": 7},
        "milestones": [{"at": 7, "rewards": [{"points": 70}]}],
    }


def _board(name: str) -> dict[str, Any]:
    return {"id": f"board-{name}", "event": name, "score": {"sum": "amount"}, "period": "weekly"}


def _contest(name: str) -> dict[str, Any]:
    return {
        "id": f"cup-{name}",
        "event": name,
        "score": {"sum": "amount"},
        "starts": "2020-01-01",
        "ends": "2100-01-01",
        "prizes": [{"ranks": "1-3", "rewards": [{"points": 500}]}],
    }


@click.command()
@click.option("--runs", default=3, show_default=True, help="Runs of each shape, interleaved.")
@click.option("--scale", default=1.0, show_default=True, help="Share of the usual events.")
def main(runs: int, scale: float) -> None:
    """Measure each kind of server in turns, and say what it costs beside the plain one."""
    with TemporaryDirectory(prefix="laurels-bench-") as name, ExitStack() as stack:
        say_conditions(Path(name))
        variants = {
            "plain": (rulebook.rules(), FEW),
            "ten of every kind": (rules(), FEW),
            "all of every kind": (rules(), ALL),
        }
        servers: dict[str, tuple[Server, tuple[int, ...]]] = {}
        for variant, (text, names) in variants.items():
            folder = Path(name) / variant.replace(" ", "-")
            folder.mkdir()
            servers[variant] = stack.enter_context(serving(folder, text)), names
            _run(BATCHES._replace(events=WARM_UP_EVENTS, names=names), servers[variant][0], 0)
        costs = _measure(servers, runs, scale)
        for server, _ in servers.values():
            verify(server.store)
    _say(costs)


def _measure(
    servers: dict[str, tuple[Server, tuple[int, ...]]], runs: int, scale: float
) -> dict[tuple[str, str], list[float]]:
    costs: dict[tuple[str, str], list[float]] = {}
    for run in range(runs):
        for shape in SHAPES:
            for variant, (server, names) in servers.items():
                sized = shape._replace(events=int(shape.events * scale), names=names)
                costs.setdefault((shape.name, variant), []).append(_run(sized, server, run + 1))
    return costs


def _run(shape: load.Shape, server: Server, seed: int) -> float:
    """Return the CPU µs per event of the server's whole process tree."""
    before_s = cpu_s(server.process.pid)
    measured = load.run(shape, "127.0.0.1", server.port, server.key, seed=seed)
    assert measured.acknowledged == shape.events, "not every event was accepted"
    return (cpu_s(server.process.pid) - before_s) * 1e6 / shape.events


def _say(costs: dict[tuple[str, str], list[float]]) -> None:
    click.echo(f"{'':13} {'':18} {'CPU µs':>7} {'least':>6} {'of plain':>9} {'goal':>6}")
    for (shape, variant), found in costs.items():
        share = median(found) / median(costs[shape, "plain"])
        goal = f"{GOALS[variant]:6.0%}" if variant in GOALS else ""
        click.echo(
            f"{shape:13} {variant:18} {median(found):7.1f} {min(found):6.1f} {share:9.0%} {goal}"
        )
    click.echo("Every event acknowledged; verify clean afterwards.")


if __name__ == "__main__":
    main()
