"""From text to a rulebook: YAML or JSON, with the line of every mistake."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.core.errors import Problem, RulebookRefused
from laurels.core.rulebook import Window
from laurels.engine.rulebook_text import load_rulebook

BOOK = """\
timezone: UTC                     # of windows
week_starts: monday
currencies: [points, coin, gem]

earn:
  - {id: one-per-unit, event: purchase, where: {currency: USD}, points: {of: amount, times: 1}}
  - {id: welcome, event: signup, points: 50}

badges:
  - {id: big_spender, title: Big spender, event: purchase, where: {amount: {gte: 500}}}
  - {id: quiz_master, title: Quiz master}

challenges:
  - id: fitness_30day
    title: Fitness month
    window: {from: 2026-03-01, to: 2026-04-01T00:00:00Z}
    needs: all
    claim: manual
    objectives:
      - {id: quizzes, event: quiz_completed, where: {score: {gte: 80}}, count: 5}
      - {id: spend_100, event: purchase, sum: amount, target: 100}
      - {id: three_genres, event: video_watched, distinct: genre, target: 3}
    rewards:
      - {points: 100}
      - {currency: gem, amount: 5}
      - {badge: quiz_master}
      - {item: boots, quantity: 1}
"""

CONTEST = """\
contests:
- id: c
  event: e
  score: count
  starts: 2026-03-01
  ends: 2026-02-01
  prizes:
  - {ranks: 1-3}
  - ranks: 2
"""


def problems(text):
    with pytest.raises(RulebookRefused) as refused:
        load_rulebook(text)
    return list(refused.value.problems)


def lines(text):
    return [(problem.line, problem.path) for problem in problems(text)]


def test_yaml_is_read():
    book = load_rulebook(BOOK)
    assert [rule.id for rule in book.earn] == ["one-per-unit", "welcome"]
    assert book.challenges[0].window == Window("fixed", 1_772_323_200_000, 1_775_001_600_000)
    assert [each.target for each in book.challenges[0].objectives] == [5e6, 100e6, 3e6]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read(indent):
    tree = {"earn": [{"id": "a", "event": "\U0001f600 / é", "points": 5}], "badges": [{"id": "b"}]}
    book = load_rulebook("\ufeff" + json.dumps(tree, indent=indent))
    assert book.earn[0].hears.kind == "custom.\U0001f600 / é"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-0012", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("-.5e1", -5.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-03-01", "2026-03-01"),
        ('"5"', "5"),
        ("'true'", "true"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(written, value):
    text = f"badges:\n- id: b\n  event: e\n  where:\n    x:\n      eq: {written}\n"
    hears = load_rulebook(text).badges[0].hears
    assert hears
    assert hears.where
    assert repr(getattr(hears.where, "value", None)) == repr(value)


@pytest.mark.parametrize(
    "written", [".inf", "-.Inf", ".nan", "1e999", "9" * 5000, "0x" + "f" * 400]
)
def test_a_number_far_out_of_range_is_refused(written):
    found = problems(f"badges:\n- {{id: b, event: e, where: {{x: {{gt: {written}}}}}}}")
    assert "must be a number within ±9,000,000,000" in found[0].message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("earn: [\n\n5]", [(3, "earn[0]")]),
        ("badges:\n- id: b\n- id: b\n", [(3, "badges[1].id")]),
        # What is missing stands, as it were, where its parent begins.
        ("badges:\n\n- title: B\n", [(3, "badges[0].id")]),
        # A section is found by its key.
        ("badges: []\nstreaks:\n\n  by: points\n", [(2, "streaks")]),
        (
            "badges:\n- id: b\n  event: e\n  where:\n    a.b:\n      gt: x\n",
            [(6, 'badges[0].where["a.b"].gt')],
        ),
        ('{\n"badges": [\n{"id": 5}]}', [(3, "badges[0].id")]),
        ('{\n\t"tiers":\n\t[\n\t]}', [(2, "tiers")]),
        ('{"tiers": "\\ud83d\\ude00"}', [(1, "tiers")]),
        # What goes round in a circle is found where it says what it waits for.
        (
            "challenges:\n- id: c\n  objectives: [{event: e, count: 1}]\n  requires:\n  - c\n",
            [(4, "challenges[0].requires")],
        ),
        ("earn:\n- id: a\n  fact: points.posted\n  points: 1\n", [(3, "earn[0].fact")]),
        (CONTEST, [(6, "contests[0].ends"), (9, "contests[0].prizes[1].ranks")]),
        ("", [(None, "rulebook")]),
        ("# nothing\n", [(None, "rulebook")]),
        ("\n- a\n", [(2, "rulebook")]),
        ("1: 2\n", [(1, "rulebook")]),
    ],
)
def test_a_problem_tells_its_line(text, found):
    assert lines(text) == found


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b: c", 1, "is not YAML: mapping values are not allowed here"),
        ("a:\n  - 'open\n", 3, "is not YAML: found unexpected end of stream"),
        ("a: 1\n\tb: 2\n", 2, "is not YAML: "),
        ("a:\n  b\0c", 2, "is not YAML: special characters are not allowed"),
        ('"\\UFFFFFFFF"', None, "is not YAML: Python int too large"),
        ("%YAML 9.9\n---\n", 1, "is not YAML: found incompatible YAML document"),
        ("badges: []\nbadges: []\n", 2, 'the key "badges" is there twice'),
        ('{"badges": [],\n\t"badges": []}', 2, 'the key "badges" is there twice'),
        ("badges:\n- &b {id: b}\n", 2, "anchors and aliases (& and *) are not read"),
        ("badges:\n- *b\n", 2, "anchors and aliases (& and *) are not read"),
        ("badges: !!set []\n", 1, 'tags such as "tag:yaml.org,2002:set" are not read'),
        ("badges: !new [x]\n", 1, 'tags such as "!new" are not read'),
        ("!!str badges: []\n", 1, 'tags such as "tag:yaml.org,2002:str" are not read'),
        ("? [a, b]\n: c\n", 1, "a key must be text, not a list or a mapping"),
        ("badges: []\n---\nearn: []\n", 2, "may be one document only"),
        ("[" * 1000, 1, "may nest 64 deep"),
        ("[" * 100_000, 1, "may nest 64 deep"),
        ("- " * 1000, 1, "may nest 64 deep"),
        ("{a: " * 1000, 1, "may nest 64 deep"),
        ('{"a":' * 100_000, 1, "may nest 64 deep"),
        ("#" * (1024 * 1024 + 1), None, "may have 1,048,576 bytes, and this one has more"),
        ("é" * (512 * 1024 + 1), None, "may have 1,048,576 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(text, line, message):
    (problem,) = problems(text)
    assert message in problem.message
    assert (problem.path, problem.line) == ("rulebook", line)


def test_aliases_do_not_blow_up():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    assert lines(bomb) == [(1, "rulebook")]


def test_json_that_yaml_cannot_read_has_no_lines():
    long_key = '{"' + "k" * 2000 + '": 1}'
    assert problems(long_key)[0].message.startswith('unknown key "kkk')
    assert json.loads(long_key)


def test_a_refusal_is_readable():
    with pytest.raises(RulebookRefused) as refused:
        load_rulebook("earn:\n- id: a\n  event: x\n  points: many\n")
    assert str(refused.value) == (
        'line 4, earn[0].points: must be a whole number, not the text "many"; write digits only'
    )
    assert isinstance(refused.value.problems[0], Problem)


WORDS = "earn badges id where [ ] { } , \" ' &a *a !!int | > # ... << ~ 5 \\ \\x \\U FFFFFFFF .inf"
SPACED = [": ", "\n", "\n  ", "- ", "? ", "%YAML 1.1\n", "---\n", "\t", "\u2028"]
FORBIDDEN = ["\0", "\ud800", "\ufeff"]
BITS = st.sampled_from([*WORDS.split(), *SPACED, *FORBIDDEN, "2026-13-45"])


@given(st.lists(BITS, max_size=30).map("".join) | st.text(max_size=30))
def test_any_garbage_ends_as_a_refusal(text):
    try:
        load_rulebook(text)
    except RulebookRefused:
        return
