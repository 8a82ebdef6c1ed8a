"""Times as callers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.api.instant import day_from_text, from_text, to_text
from laurels.core.limits import INSTANT_MAX_MS, INSTANT_MIN_MS


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-04-10T10:30:00Z", "2026-04-10T10:30:00Z"),
        ("2026-04-10t10:30:00z", "2026-04-10T10:30:00Z"),
        ("2026-04-10 10:30:00Z", "2026-04-10T10:30:00Z"),
        ("2026-04-10T10:30Z", "2026-04-10T10:30:00Z"),
        ("2026-04-10T10:30", "2026-04-10T10:30:00Z"),
        ("2026-04-10T10:30:00", "2026-04-10T10:30:00Z"),
        ("2026-04-10T10:30:00.5Z", "2026-04-10T10:30:00.500Z"),
        ("2026-04-10T10:30:00.9999999999999Z", "2026-04-10T10:30:00.999Z"),
        ("2026-04-10T10:30:00.000Z", "2026-04-10T10:30:00Z"),
        ("2026-04-10T10:30:00+05:30", "2026-04-10T05:00:00Z"),
        ("2026-04-10T10:30:00-00:00", "2026-04-10T10:30:00Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
        ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
def test_a_time_is_read(text, read):
    assert to_text(from_text(text)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-04-10",
        "2026-04-10T",
        "2026-04-10T10",
        "20260410T103000Z",
        "2026-W15-5T10:30:00Z",
        "2026-100T10:30:00Z",
        "2026-04-10T10:30:00,5Z",
        "2026-04-10T10:30:00.Z",
        "2026-04-10T10:30:00+0530",
        "2026-04-10T10:30:00+05",
        "2026-04-10T10:30:00+24:00",
        "2026-04-10T10:30:60Z",
        "2026-04-10T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1899-12-31T23:59:59.999Z",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "2026-04-10T10:30:00Z ",
        " 2026-04-10T10:30:00Z",
        "2026-04-10T10:30:00Z\n",
        "٢٠٢٦-04-10T10:30:00Z",
        "1775817000000",
        "2026-04-10T10:30:00" + "0" * 10_000,
    ],
)
def test_anything_else_is_none(text):
    with pytest.raises(ValueError, match=r"is no|does not exist|outside"):
        from_text(text)


@given(st.integers(INSTANT_MIN_MS, INSTANT_MAX_MS))
def test_what_we_write_we_read(at):
    assert from_text(to_text(at)) == at


@given(st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - bounds have none
def test_offsets_are_taken_away(moment):
    """Zones of long ago had seconds in their offsets, which RFC 3339 cannot write."""
    offset = moment.utcoffset()
    if offset is not None and offset.seconds % 60 == 0:
        whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        expected = whole.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
        assert to_text(from_text(whole.isoformat())) == expected.replace(".000", "") + "Z"


def test_days_begin_at_midnight():
    assert to_text(day_from_text("2026-04-10")) == "2026-04-10T00:00:00Z"
    for text in ("2026-4-10", "2026-02-29", "2026-04-10T00:00", "", "٢٠٢٦-04-10"):
        with pytest.raises(ValueError, match=r"is no|does not exist"):
            day_from_text(text)
