"""Every curl that our pages print works as printed, against a real server."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from tests.serving import Running

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RULEBOOKS = {"questkit.md": ROOT / "examples/shop.yaml"}
"""Of the server that a page speaks of; the others speak of one with the demo's."""
DEMO = ROOT / "src/laurels/cli/demo/rulebook.yaml"
PRINTED = "http://127.0.0.1:8080"

TWO_SERVERS = "$OTHER"
"""What a block names that asks two servers; the tests of servers that share a store run it."""

CURLS = [
    pytest.param(page.name, block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"```(?:sh|bash)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    )
    if "curl " in block and TWO_SERVERS not in block
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    """Start the server that a page speaks of, once."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    with ExitStack() as stack:

        @cache
        def served(rulebook: Path) -> Running:
            folder = tmp_path_factory.mktemp("curls")
            return stack.enter_context(
                Running("serve", "--port", 0, "--rulebook", rulebook, cwd=folder)
            )

        yield lambda page: served(RULEBOOKS.get(page, DEMO))


def shell(script: str, server: Running) -> str:
    script = script.replace(PRINTED, server.url)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=server.cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stdout


@pytest.mark.parametrize(("page", "block"), CURLS)
def test_the_curl_works_as_printed(page: str, block: str, servers: Callable[[str], Running]):
    answer = json.loads(shell(block, servers(page)))

    assert "error" not in answer
    assert "code" not in answer


def test_the_readme_has_a_first_curl_for_each_api():
    readme = "".join(str(curl.values[1]) for curl in CURLS if "README" in str(curl.id))

    assert "/api/v1/" in readme
    assert "/v1/events" in readme


def test_the_first_curl_earns_what_the_rulebook_says(servers: Callable[[str], Running]):
    block = str(CURLS[0].values[1]).replace("ada", "somebody-new")
    answer = json.loads(shell(block, servers("README.md")))

    badges = [badge["badge_code"] for badge in answer["results"]["badges_earned"]]
    assert answer["results"]["points_granted"] == 15
    assert badges == ["first_light", "surgeon"]
