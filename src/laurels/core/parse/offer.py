"""From entries of `rewards`, the catalogue, to offers that can be claimed."""

from typing import Final

from laurels.core.limits import AMOUNT_MAX
from laurels.core.parse.node import Node
from laurels.core.parse.scope import read_price, read_span
from laurels.core.rulebook import Offer

OFFER: Final = (
    "id", "title", "type", "description", "price", "stock", "codes",
    "per_participant", "starts", "ends",
)  # fmt: skip
TYPES: Final = ("coupon", "voucher", "physical", "digital", "points_multiplier")


def read_offer(node: Node, *, timezone: str, currencies: tuple[str, ...]) -> Offer:
    fields = node.fields(OFFER)
    id_, stock = fields.need("id").name(), fields["stock"]
    starts, ends = read_span(fields, ("starts", "ends"), timezone)
    return Offer(
        id=id_,
        title=fields["title"].text(default=id_),
        type=fields["type"].choice(TYPES, "digital"),
        description=fields["description"].text(),
        price=read_price(fields["price"], currencies),
        stock=None if stock.is_absent else stock.whole(AMOUNT_MAX, least=0),
        codes=fields["codes"].flag(default=False),
        per_participant=fields["per_participant"].whole_or({"unlimited": None}, default=1),
        starts=starts,
        ends=ends,
    )
