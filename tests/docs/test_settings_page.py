"""The page on settings says of each what the settings themselves say."""

from pathlib import Path

import pytest

from laurels.settings import FIELDS, expected, purpose, variable

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_a_row_that_says_what_it_is_for_and_what_it_takes(name):
    default = FIELDS[name].default
    shown = "none" if default is None else f"`{default}`"
    row = f"| `{variable(name)}` | {shown} | {purpose(name)} A value is {expected(name)}. |"

    assert row in PAGE.splitlines()
