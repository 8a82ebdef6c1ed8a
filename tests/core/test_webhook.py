"""What a delivery is called, and which event it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from laurels.core.errors import InvalidDelivery
from laurels.core.filter import Path
from laurels.core.limits import WEBHOOK_ID_CHARS_MAX
from laurels.core.parse import parse_rulebook
from laurels.core.rulebook import Rulebook
from laurels.core.webhook import (
    DEFAULTS,
    Ignored,
    Label,
    Reported,
    Unclaimed,
    Unreadable,
    meaning,
    name_of,
    source_called,
)

NOW = 1_775_817_000_000
STRIPE = DEFAULTS["stripe"]
STANDARD = DEFAULTS["standard"]
GITHUB = DEFAULTS["github"]
NOTHING = Label(None, None)
PAID: dict[str, Any] = {
    "id": "evt_1",
    "type": "invoice.paid",
    "created": 1_775_816_000,
    "data": {"object": {"id": "in_1", "customer": "cus_1", "amount": 1900}},
}


def read(body, source=STRIPE, type_="invoice.paid") -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return meaning(source, type_, sent, NOW)


def changed(**data):
    return PAID | {"data": {"object": PAID["data"]["object"] | data}}


def test_stripes_events_are_read_without_a_word_in_the_rulebook():
    found = read(PAID)

    assert found == Reported(
        participant="cus_1",
        name="invoice.paid",
        properties={"id": "in_1", "customer": "cus_1", "amount": 1900},
        properties_json='{"id":"in_1","customer":"cus_1","amount":1900}',
        occurred_at=1_775_816_000_000,
        dated=True,
    )
    assert name_of(STRIPE, PAID, NOTHING) == Label("evt_1", "invoice.paid")


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (None, "body"),
        (5, "body"),
        ("text", "body"),
        (True, "body"),
        ([], "id"),
        ([PAID], "id"),
        ({}, "id"),
        (PAID | {"id": ""}, "id"),
        (PAID | {"id": 5}, "id"),
        (PAID | {"id": None}, "id"),
        (PAID | {"id": "\0"}, "id"),
        (PAID | {"id": "x" * (WEBHOOK_ID_CHARS_MAX + 1)}, "id"),
        (PAID | {"type": ""}, "type"),
        (PAID | {"type": 5}, "type"),
        (PAID | {"type": "x" * 5_001}, "type"),
        (PAID | {"created": "1775816000"}, "time"),
        (PAID | {"created": "2026-04-10T10:30:00Z"}, "time"),
        (PAID | {"created": None}, "time"),
        (PAID | {"created": True}, "time"),
        (PAID | {"created": 10**12}, "time"),
        (PAID | {"created": -(10**400)}, "time"),
        (PAID | {"created": 1e300}, "time"),
        (PAID | {"data": {}}, "subject"),
        (PAID | {"data": None}, "subject"),
        (PAID | {"data": {"object": None}}, "subject"),
        (PAID | {"data": {"object": "text"}}, "subject"),
        ({"id": "", "type": "", "created": "", "data": ""}, "id"),
        ({"id": "a", "type": "", "created": "", "data": ""}, "type"),
        ({"id": "a", "type": "b", "created": "", "data": ""}, "time"),
    ],
)
def test_what_stripe_would_not_send_is_refused_by_the_first_part_that_is_wrong(body, part):
    with pytest.raises(InvalidDelivery) as refused:
        name_of(STRIPE, body, NOTHING)

    assert refused.value.part == part


@pytest.mark.parametrize(
    "good",
    [
        {"id": "x" * WEBHOOK_ID_CHARS_MAX},
        {"created": 0},
        {"created": 1_775_816_000.5},
        {"created": -2_208_988_800},
        {"data": {"object": []}},
        {"data": {"object": {}}},
        {"data.object": {"a": 1}},
    ],
)
def test_what_stripe_may_send_is_taken(good):
    assert name_of(STRIPE, PAID | good, NOTHING).type == "invoice.paid"


def test_a_list_of_things_is_taken_and_is_no_event():
    assert read(PAID | {"data": {"object": [1]}}) == Unclaimed(
        "there is no participant at data.object.customer"
    )
    whose = replace(STRIPE, participant=Path("id"))
    assert read(PAID | {"data": {"object": [1]}}, whose) == Unreadable(
        "data.object is no object, as properties must be"
    )


@pytest.mark.parametrize("customer", [None, "", 5, True, {}, ["cus_1"], {"id": "cus_1"}])
def test_what_names_nobody_is_nobodys(customer):
    found = read(changed(customer=customer))

    assert found == Unclaimed("there is no participant at data.object.customer")


@pytest.mark.parametrize("customer", ["x" * 256, "a\0b"])
def test_what_can_be_no_participant_is_nobodys(customer):
    assert isinstance(read(changed(customer=customer)), Unclaimed)


def test_a_number_may_name_a_participant_where_it_is_no_stripe():
    source = DEFAULTS["shopify"]

    assert read({"customer": {"id": 207119551}}, source).participant == "207119551"
    for bad in (True, 1.5, 10**400, None):
        assert isinstance(read({"customer": {"id": bad}}, source), Unclaimed)


def test_numbers_keep_all_their_digits_on_one_line():
    body = b"""{"id": "evt_1", "data": {"object":
        {"customer": "c", "n": 18446744073709551616, "x": 1.10, "y": 1e2}}}"""

    found = read(body)

    assert found.properties_json == '{"customer":"c","n":18446744073709551616,"x":1.10,"y":1e2}'


@pytest.mark.parametrize("hidden", [{"a": "\0"}, {"a\0": 1}, {"a": [[{"b": "x\0y"}]]}])
def test_a_nul_in_properties_is_no_event(hidden):
    assert isinstance(read(changed(**hidden)), Unreadable)


def test_what_only_looks_like_a_nul_is_one():
    assert read(changed(a="\\u0000")).properties["a"] == "\\u0000"


@pytest.mark.parametrize("data", [None, 5, [], "text", {}, {"object": 5}])
def test_properties_that_are_nowhere_make_no_event(data):
    source = replace(whose(STANDARD), properties=STRIPE.properties)

    assert read({"who": "a", "data": data}, source) == Unreadable(
        "data.object is no object, as properties must be"
    )
    assert isinstance(read({"who": "a"}, source), Unreadable)


def test_a_nul_elsewhere_harms_nobody():
    assert isinstance(read(PAID | {"note": "\0"}), Reported)


def test_types_that_are_listed_become_their_events_and_others_are_ignored():
    (source,) = parse_rulebook(
        {
            "webhooks": [
                {
                    "source": "stripe",
                    "events": [
                        {"type": "invoice.paid", "event": "purchase"},
                        {"type": "x", "participant": "who", "properties": "."},
                    ],
                }
            ]
        }
    ).webhooks

    assert read(PAID, source).name == "purchase"
    found = read({"who": "ann", "n": 1}, source, "x")
    assert (found.participant, found.properties) == ("ann", {"who": "ann", "n": 1})
    assert read(PAID, source, "invoice.sent") == Ignored(
        "the rulebook lists no event for the type invoice.sent"
    )
    assert len(read(PAID, source, "x" * 5_000).reason) < 200


def test_time_is_seconds_or_a_date_and_else_the_moment_of_receipt():
    for at, expected in (
        (1_775_816_000, 1_775_816_000_000),
        (1_775_816_000.25, 1_775_816_000_250),
        ("2026-04-10T10:30:00Z", NOW),
        ("2026-04-10T12:30:00.5+02:00", NOW + 500),
        ("2026-04-10 10:30:00", NOW),
    ):
        found = read({"data": {}, "timestamp": at, "who": "a"}, whose(STANDARD))
        assert (found.occurred_at, found.dated) == (expected, True)
    for at in (None, True, "soon", "", [], 1e99, "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"):
        found = read({"data": {}, "timestamp": at, "who": "a"}, whose(STANDARD))
        assert (found.occurred_at, found.dated) == (NOW, False)


def whose(source):
    return replace(source, participant=Path("who"))


def test_headers_name_what_the_body_does_not():
    assert name_of(GITHUB, {}, Label("d1", "push")) == Label("d1", "push")
    assert name_of(STANDARD, {"type": "a"}, Label("m1", None)) == Label("m1", "a")
    for headers, part in (
        (Label(None, "push"), "id"),
        (Label("", "push"), "id"),
        (Label("d1", None), "type"),
        (Label("x" * 300, "push"), "id"),
    ):
        with pytest.raises(InvalidDelivery) as refused:
            name_of(GITHUB, {}, headers)
        assert refused.value.part == part
    for body in ([], 5, None):
        with pytest.raises(InvalidDelivery) as refused:
            name_of(GITHUB, body, Label("d1", "push"))
        assert refused.value.part == "body"


def test_githubs_events_belong_to_who_caused_them():
    found = read({"sender": {"login": "octocat"}, "ref": "main"}, GITHUB, "push")

    assert (found.participant, found.name, found.occurred_at) == ("octocat", "push", NOW)
    assert found.properties["ref"] == "main"


def test_who_is_not_said_by_the_rulebook_is_nobody():
    assert read({"type": "a", "data": {}}, STANDARD) == Unclaimed(
        "the rulebook does not say where the participant stands"
    )


def test_a_source_is_found_by_its_entry_before_what_is_shipped():
    book = parse_rulebook({"webhooks": [{"source": "stripe", "events": []}]})

    assert source_called(book, "stripe") == book.webhooks[0]
    assert source_called(Rulebook(), "stripe") == STRIPE
    assert source_called(book, "github") == GITHUB
    assert source_called(book, "nobody") is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # What is no number of JSON that fits a double never gets here: the body is refused.
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "type": JSON,
        "created": JSON,
        "timestamp": JSON,
        "sender": JSON | st.fixed_dictionaries({"login": JSON}),
        "data": JSON | st.fixed_dictionaries({"object": JSON}),
    },
)


@given(body=JSON | SHAPED, source=st.sampled_from(list(DEFAULTS.values())))
def test_nothing_that_is_json_can_break_the_reading(body, source):
    sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    try:
        label = name_of(source, json.loads(sent), Label("id", "type"))
    except InvalidDelivery:
        label = Label("id", "type")

    found: Any = meaning(source, label.type or "", sent, NOW)

    if isinstance(found, Reported):
        assert json.loads(found.properties_json) == found.properties
        assert 1 <= len(found.participant) <= 255
