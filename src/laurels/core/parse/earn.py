"""From entries of `earn` and `badges` to rules that pay for a single fact."""

from typing import Final, Literal

from laurels.core.limits import AMOUNT_MAX
from laurels.core.parse.listener import HEARING, read_listener, read_needed_listener
from laurels.core.parse.node import Node
from laurels.core.parse.reward import PAYING, read_credit
from laurels.core.parse.scope import LIFETIME_DAYS_MAX, Scope, form_of, read_campaign_of
from laurels.core.rulebook import Badge, Cap, EarnRule, Window, WindowKind

EARN: Final = (
    "id", *HEARING, "points", "currency", "amount",
    "campaign", "cap", "expires", "multiply",
)  # fmt: skip
CAPPED: Final = {"points": ("points",), "times": ("times",)}
CAP_WINDOWS: Final[tuple[WindowKind, ...]] = ("daily", "weekly", "monthly", "yearly", "lifetime")
BADGE: Final = ("id", "title", *HEARING, "description", "icon", "rarity")
RARITIES: Final = ("common", "rare", "epic", "legendary")


def read_earn_rule(node: Node, scope: Scope) -> EarnRule:
    fields = node.fields(EARN)
    id_, hears = fields.need("id").name(), read_needed_listener(fields)
    currency, amount = read_credit(fields, form_of(fields, PAYING), scope)
    product = amount.fields(("of", "times")) if amount.is_mapping else None
    return EarnRule(
        id=id_,
        hears=hears,
        currency=currency,
        fixed=0 if product else amount.whole(AMOUNT_MAX),
        of=product.need("of").property_name() if product else None,
        times=product["times"].positive() if product else 0,
        campaign=read_campaign_of(fields, scope),
        cap=_cap(fields["cap"]),
        expires_days=fields["expires"].days(LIFETIME_DAYS_MAX),
        multiplied=fields["multiply"].flag(default=True),
    )


def read_badge(node: Node) -> Badge:
    fields = node.fields(BADGE)
    id_ = fields.need("id").name()
    return Badge(
        id=id_,
        title=fields["title"].text(default=id_),
        hears=read_listener(fields),
        description=fields["description"].text(),
        icon=fields["icon"].text(),
        rarity=fields["rarity"].choice(RARITIES, "common"),
    )


def _cap(node: Node) -> Cap | None:
    if node.is_absent:
        return None
    fields = node.fields(("points", "times", "per"))
    of: Literal["points", "times"] = "times" if form_of(fields, CAPPED) == "times" else "points"
    return Cap(
        of=of,
        most=fields[of].whole(AMOUNT_MAX),
        window=Window(fields["per"].choice(CAP_WINDOWS, "lifetime")),
    )
