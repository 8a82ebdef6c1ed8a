"""
The specification as stories: each line of `stories/*.md` is what happens, and what it leads to.

A chapter has a rulebook, and then lines of `story => outcome`. `story.py` says how steps are
written; lines that begin with `#` are remarks.
"""

import re
from pathlib import Path

import pytest
from tests.core.story import told

STORIES = Path(__file__).parent / "stories"
CHAPTER = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(yaml|story)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines():
    for file in sorted(STORIES.glob("*.md")):
        for title, text in CHAPTER.findall(file.read_text("utf-8")):
            rulebook = ""
            for kind, block in BLOCK.findall(text):
                if kind == "yaml":
                    rulebook = block
                    continue
                for line in filter(None, (line.strip() for line in block.splitlines())):
                    if not line.startswith("#"):
                        story, _, outcome = line.partition("=>")
                        name = f"{file.stem}: {title}: {story.strip()}"
                        yield pytest.param(rulebook, story.strip(), outcome.strip(), id=name)


ALL = list(lines())


@pytest.mark.parametrize(("rulebook", "story", "outcome"), ALL)
def test_what_a_story_leads_to(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


def test_there_are_enough_of_them():
    assert len(ALL) >= 400
