"""The rulebook in the docs is one that we take, and says what it is said to say."""

import re
from pathlib import Path

from laurels.core.limits import FACTS_PER_COMMAND_MAX
from laurels.core.parse import SECTIONS, board, challenge, earn, ladder, offer, streak, webhook
from laurels.core.parse.filter import GROUPS, OPERATORS
from laurels.core.parse.reward import REWARDING
from laurels.core.rulebook import OWN_KINDS
from laurels.core.rules.chain import FACTS
from laurels.engine.rulebook_text import load_rulebook

PAGE = (Path(__file__).parents[2] / "docs" / "rulebook.md").read_text("utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
KEYS = {
    *(*SECTIONS, *GROUPS, *OPERATORS, *REWARDING),
    *(*earn.EARN, *earn.BADGE, *challenge.CHALLENGE, *challenge.MEASURES, *ladder.LEVEL),
    *(*streak.STREAK, *board.BOARD, *board.CONTEST, *board.MEASURES, *offer.OFFER),
    *(*webhook.SOURCE, *webhook.EVENT),
}
WORDS = {
    *(*earn.RARITIES, *earn.CAP_WINDOWS, *challenge.WINDOWS, *challenge.REPEATS),
    *(*streak.UNITS, *board.PERIODS, *board.TIES, *offer.TYPES, *webhook.SIGNATURES),
}


def test_the_example_is_a_sound_rulebook():
    rulebook = load_rulebook(EXAMPLE)

    assert rulebook.timezone == "Europe/Berlin"
    assert [challenge.needs for challenge in rulebook.challenges] == [1, 2, 1]


def test_the_example_has_every_section():
    assert [name for name in SECTIONS if f"\n{name}:" not in f"\n{EXAMPLE}"] == []


def test_every_key_is_shown():
    assert [key for key in KEYS if f"{key}:" not in PAGE and f"`{key}`" not in PAGE] == []


def test_every_word_that_may_be_chosen_is_shown():
    assert [word for word in WORDS if not re.search(rf"\b{word}\b", PAGE)] == []


def test_every_fact_of_our_own_is_explained():
    (table,) = re.findall(r"^\| fact \| its data \|\n.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    told = {
        kind: re.findall(r"`(\w+)`", row.split("|")[2])
        for row in table.splitlines()
        for kind in re.findall(r"`(\w+\.\w+)`", row)
    }
    facts = {kind: list(names) for kind, names in FACTS.values()}
    facts["points.spent"] = facts["points.expired"] = facts["points.posted"]

    assert told == facts
    assert sorted(told) == list(OWN_KINDS)


def test_the_bound_on_chains_is_the_one_in_force():
    assert f"longer than {FACTS_PER_COMMAND_MAX}" in PAGE
