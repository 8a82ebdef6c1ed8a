"""The rulebook in the docs is one that we take, and says what it is said to say."""

import re
from pathlib import Path

from laurels.core.limits import FACTS_PER_COMMAND_MAX
from laurels.core.rulebook import OWN_KINDS
from laurels.engine.rulebook_text import load_rulebook

PAGE = (Path(__file__).parents[2] / "docs" / "rulebook.md").read_text("utf-8")


def test_the_example_is_a_sound_rulebook():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    rulebook = load_rulebook(example)

    assert rulebook.timezone == "Europe/Berlin"
    assert [challenge.needs for challenge in rulebook.challenges] == [2]


def test_every_fact_of_our_own_is_explained():
    assert [kind for kind in OWN_KINDS if f"`{kind}`" not in PAGE] == []


def test_the_bound_on_chains_is_the_one_in_force():
    assert f"longer than {FACTS_PER_COMMAND_MAX}" in PAGE
