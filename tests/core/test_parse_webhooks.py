"""From plain values to sources of webhooks: what each key makes, and what each mistake is told."""

import pytest
from tests.parsing import problems

from laurels.core.errors import RulebookRefused
from laurels.core.filter import Path
from laurels.core.parse import parse_rulebook
from laurels.core.source import Source, WebhookEvent
from laurels.core.webhook import DEFAULTS
from laurels.engine.rulebook_text import load_rulebook

CUSTOMER = Path("data.object.customer", ("data", "object", "customer"))
OBJECT = Path("data.object", ("data", "object"))


def webhooks(*entries):
    return {"webhooks": list(entries)}


def read_source(**keys):
    (source,) = parse_rulebook(webhooks(keys)).webhooks
    return source


@pytest.mark.parametrize("scheme", DEFAULTS)
def test_a_source_that_is_named_as_a_signature_needs_no_more(scheme):
    assert read_source(source=scheme) == DEFAULTS[scheme]
    assert DEFAULTS[scheme].signature == DEFAULTS[scheme].id == scheme


def test_stripe_means_what_it_always_meant():
    assert read_source(source="stripe") == Source(
        id="stripe",
        signature="stripe",
        delivery=Path("id"),
        type=Path("type"),
        at=Path("created"),
        participant=CUSTOMER,
        properties=OBJECT,
        events=None,
    )


def test_every_key_is_read_as_it_is_written():
    source = read_source(
        source="my-shop",
        signature="github",
        id="meta.id",
        type="meta.kind",
        at="meta.at",
        participant="buyer",
        properties="order",
        events=[
            {"type": "order.paid", "event": "purchase", "participant": "payer"},
            {"type": "order.sent", "properties": "."},
        ],
    )

    assert source == Source(
        id="my-shop",
        signature="github",
        delivery=Path("meta.id", ("meta", "id")),
        type=Path("meta.kind", ("meta", "kind")),
        at=Path("meta.at", ("meta", "at")),
        participant=Path("buyer"),
        properties=Path("order"),
        events=(
            WebhookEvent(
                type="order.paid",
                event="purchase",
                participant=Path("payer"),
                properties=Path("order"),
            ),
            WebhookEvent(
                type="order.sent", event="order.sent", participant=Path("buyer"), properties=None
            ),
        ),
    )


def test_a_rulebook_without_the_section_lists_no_source():
    assert parse_rulebook({}).webhooks == parse_rulebook(webhooks()).webhooks == ()
    assert read_source(source="stripe", events=[]).events == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "webhooks[0].source: is missing"),
        (5, "webhooks[0]: must be a mapping of keys to values, not the number 5"),
        ({"source": 7}, "webhooks[0].source: must be text, not the number 7; put it in quotes"),
        (
            {"source": "My Shop", "signature": "stripe"},
            (
                'webhooks[0].source: "My Shop" must be 1 to 64 of the characters a-z 0-9 - _ '
                "and begin with a letter or digit"
            ),
        ),
        (
            {"source": "acme"},
            "webhooks[0]: needs a `signature`, one of `stripe`, `standard`, `github`, `shopify`",
        ),
        (
            {"source": "acme", "signature": "stripes"},
            'webhooks[0].signature: unknown signature "stripes": did you mean `stripe`?',
        ),
        (
            {"source": "stripe", "signature": "md5"},
            (
                'webhooks[0].signature: unknown signature "md5": '
                "write one of `stripe`, `standard`, `github`, `shopify`"
            ),
        ),
        (
            {"source": "stripe", "secret": "x"},
            (
                'webhooks[0].secret: unknown key "secret": write one of `source`, `signature`, '
                "`id`, `type`, `at`, `participant`, `properties`, `events`"
            ),
        ),
        (
            {"source": "stripe", "participant": "data..customer"},
            (
                'webhooks[0].participant: "data..customer" is no path; '
                "write keys joined by dots, as data.object.id"
            ),
        ),
        (
            {"source": "stripe", "at": "."},
            'webhooks[0].at: "." is no path; write keys joined by dots, as data.object.id',
        ),
        ({"source": "stripe", "id": 5}, "webhooks[0].id: must be text, not the number 5; "),
        ({"source": "stripe", "events": {}}, "webhooks[0].events: must be a list, not a mapping"),
        ({"source": "stripe", "events": [{}]}, "webhooks[0].events[0].type: is missing"),
        (
            {"source": "stripe", "events": [{"type": "a"}, {"type": "b"}, {"type": "a"}]},
            "webhooks[0].events[2].type: `a` is there twice; say once which event it is",
        ),
        (
            {"source": "stripe", "events": [{"type": "a", "properties": "x."}]},
            'webhooks[0].events[0].properties: "x." is no path; ',
        ),
        (
            {"source": "stripe", "events": [{"type": "a", "name": "b"}]},
            'webhooks[0].events[0].name: unknown key "name"',
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(entry, problem):
    (found,) = problems(webhooks(entry))

    assert found.startswith(problem)


def test_two_sources_may_not_share_a_name_or_the_variable_of_a_secret():
    twice = webhooks({"source": "stripe"}, {"source": "stripe"})
    near = webhooks(
        {"source": "my-shop", "signature": "github"}, {"source": "my_shop", "signature": "github"}
    )

    assert problems(twice) == [
        "webhooks[1].source: `stripe` is there twice; names must differ",
    ]
    assert problems(near) == [
        "webhooks[1].source: `my_shop` would share its secret with `my-shop`; rename one",
    ]


def test_a_mistake_is_told_with_its_line():
    text = "webhooks:\n  - source: stripe\n    events:\n      - {type: a}\n      - {type: a}\n"

    with pytest.raises(RulebookRefused) as refused:
        load_rulebook(text)

    (problem,) = refused.value.problems
    assert (problem.line, problem.path) == (5, "webhooks[0].events[1].type")
