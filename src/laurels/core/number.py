"""Numbers as rules hold them: integers of millionths, so that no order of addition matters."""

from typing import Final, TypeAlias

from laurels.core.errors import NumberOutOfRange
from laurels.core.limits import NUMBER_MAX

Millionths: TypeAlias = int

ONE: Final = 1_000_000


def millionths(value: object) -> Millionths | None:
    """
    Return a JSON number in millionths, or None for what is no number; a boolean is none.

    Raises NumberOutOfRange outside ±9·10⁹.

    >>> millionths(1.15), millionths(-2), millionths(True), millionths("7")
    (1150000, -2000000, None, None)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if -NUMBER_MAX <= value <= NUMBER_MAX:
        return round(value * ONE)
    raise NumberOutOfRange


def plain(amount: Millionths) -> int | float:
    """
    Return millionths as the number that a person would write.

    >>> plain(3_000_000), plain(1_150_000)
    (3, 1.15)
    """
    whole, rest = divmod(amount, ONE)
    return amount / ONE if rest else whole


def product_floored(value: Millionths, ratio: Millionths) -> int:
    """
    Return `value` times `ratio` as a whole number: multiply first, floor once, at the end.

    >>> product_floored(millionths(1.15), millionths(100))
    115
    """
    return value * ratio // (ONE * ONE)
