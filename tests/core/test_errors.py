"""Refusals speak for themselves: the docstring is the message, unless somebody knows more."""

import pytest

from laurels.core import errors
from laurels.core.errors import Problem

WITH_PROBLEMS = [
    errors.InvalidBody,
    errors.NumberOutOfRange,
    errors.InvalidQuery,
    errors.RulebookRefused,
]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            errors.ClaimNotReady(),
            "The challenge is not completed, so there is nothing to claim yet.",
        ),
        (errors.Unavailable("Too much is waiting."), "Too much is waiting."),
        (errors.Unavailable(), "The server cannot take this now; try again."),
        (errors.RateLimited(250), "Too many requests; wait and try again."),
        (
            errors.WouldOverdraw(available=3, required=5),
            "The balance is too small: available 3, requested 5.",
        ),
        (errors.LimitMet("UNIQUE constraint failed"), "UNIQUE constraint failed"),
    ],
)
def test_a_refusal_says_what_it_is(refusal, message):
    assert (str(refusal), refusal.message) == (message, message)


@pytest.mark.parametrize("refusal", WITH_PROBLEMS)
def test_a_refusal_of_an_input_lists_what_is_wrong(refusal):
    problems = (Problem("a.b", "must be text", 3), Problem("c", "is not known"))
    raised = refusal(*problems)

    assert raised.problems == problems
    assert "line 3, a.b: must be text" in raised.message
    assert "c: is not known" in raised.message


@pytest.mark.parametrize("refusal", WITH_PROBLEMS)
def test_a_refusal_of_an_input_may_know_no_more(refusal):
    assert refusal().message


def test_a_refusal_can_tell_when_to_come_back():
    assert errors.RateLimited(250).retry_after_ms == 250
    assert errors.Unavailable(retry_after_ms=5).retry_after_ms == 5
