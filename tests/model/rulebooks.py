"""Random rulebooks that are valid, with few names and small numbers, so that things meet."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from tests.model.days import NOON

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
START = datetime.fromtimestamp(NOON / 1000, tz=UTC)
NAMES = {
    "badges": ["star", "moon"],
    "campaigns": ["spring"],
    "challenges": ["quest", "climb", "hunt"],
    "streaks": ["daily", "other"],
    "leaderboards": ["ranks", "peaks"],
    "contests": ["cup"],
    "rewards": ["coffee", "mug"],
}
ITEMS = ["hat", "boots"]

small = st.integers(1, 4)
pick = st.sampled_from
wheres = pick(
    [
        *[None] * 8,
        {"amount": {"gte": 2}},
        {"what": "a"},
        {"what": {"in": ["a", 1]}},
        {"what": {"ne": "b"}},
        {"amount": {"exists": True}},
        {"not": {"amount": {"lt": 0}}},
        {"any": [{"what": "b"}, {"amount": {"gt": 3}}]},
    ]
)


def text_of(hours):
    return (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def stretch(draw, names, *, needed=False):
    """Draw a beginning and an end, each of which may be left out unless needed."""
    after = draw(pick([0, -24 * 40, -24 * 2, -1, 0, 5, 24, 24 * 5]))
    length = draw(pick([24 * 3, 1, 24, 24 * 7, 24 * 40, 24 * 90]))
    found = {names[0]: text_of(after), names[1]: text_of(after + length)}
    if needed:
        return found
    kept = draw(pick([names, names[:1], names[1:]]))
    return {name: found[name] for name in kept}


@st.composite
def rulebooks(draw, focus=""):
    """
    Draw a rulebook as the tree that its JSON is written from.

    A section that is in focus has something in it.
    """
    names = {
        section: every[: draw(st.integers(section == focus, len(every)))]
        for section, every in NAMES.items()
    }
    names["badges"] = NAMES["badges"]
    names["freezable"] = [each for each in names["streaks"] if draw(pick([1, 1, 0]))]
    book = {
        "timezone": draw(pick(ZONES)),
        "week_starts": draw(pick(["monday", "sunday", "saturday"])),
        "currencies": ["points", draw(pick(["gem", {"id": "gem", "expires": {"days": 10}}]))],
        "campaigns": [campaign(draw, each) for each in names["campaigns"]],
        "earn": [earn_rule(draw, f"e{n}", names) for n in range(draw(pick([1, 2, 3, 4, 0])))],
        "badges": [badge(draw, each, names) for each in names["badges"]],
        "challenges": [challenge(draw, place, names) for place in range(len(names["challenges"]))],
        "streaks": [streak(draw, each, names) for each in names["streaks"]],
        "leaderboards": [board(draw, each, names) for each in names["leaderboards"]],
        "contests": [contest(draw, each, names) for each in names["contests"]],
        "rewards": [offer(draw, each) for each in names["rewards"]],
    }
    if focus == "tiers" or draw(st.booleans()):
        book["tiers"] = tiers(draw, names)
    if names["streaks"] and draw(pick([False, False, True])):
        book["incidents"] = [stretch(draw, ["from", "to"], needed=True)]
    return {key: value for key, value in book.items() if value != []}


def campaign(draw, name):
    found = {"id": name, "title": name.title(), **stretch(draw, ["starts", "ends"])}
    return maybe(draw, found, "multiplier", pick([2, 1.5, 0.5]))


def maybe(draw, tree, key, values, *, one_in=2):
    if draw(st.integers(1, one_in)) == one_in:
        tree[key] = draw(values)
    return tree


# What rules hear.


def heard_event(draw):
    heard = {"event": draw(pick(["buy", "see", "login"]))}
    where = draw(wheres)
    return heard if where is None else {**heard, "where": where}


def heard_fact(draw, names, *, by_earn_rule=False):
    choices = [
        {"fact": "badge.awarded"},
        {"fact": "badge.awarded", "where": {"badge": "star"}},
        {"fact": "item.granted", "where": {"item": "hat"}},
        {"fact": "points.spent"},
        {"fact": "custom.login"},
    ]
    if not by_earn_rule:
        choices += [
            {"fact": "points.posted"},
            {"fact": "points.posted", "where": {"currency": "gem"}},
            {"fact": "points.posted", "where": {"rule": {"in": ["e0", "e1"]}}},
            {"fact": "points.expired"},
            {"fact": "tier.changed"},
        ]
    for name in names["challenges"]:
        choices += [
            {"fact": "challenge.completed", "where": {"challenge": name}},
            {"fact": "challenge.claimed", "where": {"challenge": name}},
            {"fact": "challenge.milestone"},
            {"fact": "challenge.drop_off"},
        ]
    for name in names["streaks"]:
        of = {"where": {"streak": name}}
        kinds = ["streak.extended", "streak.milestone", "streak.broken"]
        choices += [{"fact": kind, **of} for kind in kinds]
    for name in names["rewards"]:
        choices += [{"fact": kind, "where": {"reward": name}} for kind in OF_REWARDS]
    if names["contests"]:
        choices.append({"fact": "contest.prize"})
    return draw(pick(choices))


OF_REWARDS = ["reward.granted", "reward.claimed"]


def heard(draw, names):
    return heard_event(draw) if draw(st.integers(0, 4)) else heard_fact(draw, names)


# Sections.


def earn_rule(draw, name, names):
    kind = draw(pick(["event", "event", "event", "fact", "gem a point"]))
    if kind == "gem a point":
        hears = {"fact": "points.posted", "where": {"currency": "points"}}
        return {"id": name, **hears, "currency": "gem", "amount": draw(small)}
    hears = heard_event(draw) if kind == "event" else heard_fact(draw, names, by_earn_rule=True)
    amount = draw(pick([1, 5, 10])) if draw(st.booleans()) else product(draw)
    pays = pick([{"points": amount}, {"points": amount}, {"currency": "gem", "amount": amount}])
    rule = {"id": name, **hears, **draw(pays)}
    maybe(draw, rule, "cap", st.builds(cap, pick(["points", "times"]), small, pick(PERS)))
    maybe(draw, rule, "expires", pick([{"days": 1}, {"days": 3}, {"days": 30}]), one_in=3)
    maybe(draw, rule, "multiply", st.just(value=False), one_in=4)
    if names["campaigns"]:
        maybe(draw, rule, "campaign", pick(names["campaigns"]), one_in=3)
    return rule


PERS = [None, "daily", "weekly", "monthly", "yearly", "lifetime"]


def product(draw):
    return {"of": "amount", "times": draw(pick([1, 1.5, 0.1, 10]))}


def cap(of, most, per):
    found = {of: most * 3 if of == "points" else most}
    return found if per is None else {**found, "per": per}


def badge(draw, name, names):
    found = {"id": name, "title": name.title()}
    if draw(st.booleans()):
        found |= heard(draw, names)
    return maybe(draw, found, "rarity", pick(["common", "rare", "epic", "legendary"]), one_in=4)


def rewards(draw, names):
    choices = [
        {"points": 5},
        {"points": 7},
        {"currency": "gem", "amount": 2},
        {"badge": "star"},
        {"badge": "moon"},
        {"item": "hat", "quantity": 2},
        *({"reward": name} for name in names["rewards"]),
        *({"freeze": name} for name in names["freezable"]),
        *({"freeze": name, "quantity": 2} for name in names["freezable"]),
    ]
    return draw(st.lists(pick(choices), min_size=1, max_size=2))


def challenge(draw, place, names):
    name = names["challenges"][place]
    objectives = [objective(draw, f"o{n}", names) for n in range(draw(st.integers(1, 2)))]
    found = {"id": name, "title": name.title(), "objectives": objectives}
    maybe(draw, found, "window", st.deferred(lambda: windows))
    maybe(draw, found, "claim", st.just("manual"), one_in=3)
    maybe(draw, found, "repeat", pick(["once", 2, 3, "unlimited"]))
    maybe(draw, found, "drop_off_hours", pick([1, 24, 72]), one_in=3)
    maybe(draw, found, "enrolment", st.just("asked"), one_in=4)
    if found.get("window") == {"days": 5, "begins": "enrolment"}:
        found["enrolment"] = "asked"
    if place:
        before = st.lists(pick(names["challenges"][:place]), min_size=1, max_size=2, unique=True)
        maybe(draw, found, "requires", before, one_in=4)
    if names["campaigns"]:
        maybe(draw, found, "campaign", pick(names["campaigns"]), one_in=4)
    if len(objectives) > 1:
        maybe(draw, found, "needs", pick(["all", "any", 2]))
        maybe(draw, objectives[1], "after", st.just(["o0"]), one_in=3)
    found["milestones"] = [milestone(draw, each, names) for each in objectives if draw(pick(FEW))]
    found["rewards"] = rewards(draw, names)
    return found


FEW = [False, False, True]
windows = pick(
    [
        "lifetime",
        "daily",
        "weekly",
        "monthly",
        {"from": text_of(-24 * 3), "to": text_of(24 * 9)},
        {"from": text_of(24)},
        {"days": 2},
        {"days": 5, "begins": "first"},
        {"days": 5, "begins": "enrolment"},
    ]
)


def objective(draw, name, names):
    found = {"id": name, **heard(draw, names)}
    of_buy = found.get("event") == "buy"
    measure = draw(pick(["count", "count", "sum", "max"] if of_buy else ["count", "distinct"]))
    if measure == "count":
        return {**found, "count": draw(pick([1, 2, 2, 3]))}
    if measure == "distinct":
        return {**found, "distinct": "what", "target": draw(pick([1, 2, 2, 3]))}
    return {**found, measure: "amount", "target": draw(pick([2, 3.5, 6]))}


def milestone(draw, objective, names):
    target = objective.get("count") or objective["target"]
    found = {"objective": objective["id"], "at": min(1, target)}
    if draw(st.booleans()):
        found |= {"id": f"half-{objective['id']}", "at": target}
    return {**found, "rewards": rewards(draw, names)}


def tiers(draw, names):
    by = draw(pick(["points", "points", "gem"])) if draw(st.booleans()) else heard(draw, names)
    found = {"by": by, "levels": levels(draw)}
    requalify = st.fixed_dictionaries(
        {"every": pick(["monthly", "yearly"])}, optional={"grace_days": pick([0, 2, 10])}
    )
    return maybe(draw, found, "requalify", requalify)


def levels(draw):
    step = draw(pick([1, 3, 10]))
    if draw(pick([False, False, True])):
        growth = draw(pick([{}, {"growth": 1.5}, {"growth": 2}]))
        return {"count": 4, "first": step, "id": "level_{level}", **growth}
    found = []
    for place, name in enumerate(["silver", "gold", "jade"][: draw(st.integers(1, 3))]):
        level = {"id": name, "title": name.title(), "at": step * (1 + 2 * place)}
        maybe(draw, level, "multiplier", pick([1.5, 2, 1.1]))
        maybe(draw, level, "keep", pick([1 + place, 2 * (1 + place)]))
        found.append(level)
    return found


def streak(draw, name, names):
    found = {"id": name, "title": name.title(), **heard(draw, names)}
    found["every"] = draw(pick(["day", "day", "day", "week", "month", {"days": 2}, {"days": 3}]))
    maybe(draw, found, "grace_hours", pick([1, 3, 12]))
    freezes = st.fixed_dictionaries(
        {"cap": pick([1, 2, 3])},
        optional={
            "earn_every": pick([1, 2, 3]),
            "apply": pick(["automatic", "asked"]),
            "price": pick([{"points": 3}, {"gem": 1}]),
        },
    )
    if name in names["freezable"]:
        found["freezes"] = draw(freezes)
    thresholds = sorted(draw(st.sets(pick([1, 2, 3, 5]), max_size=2)))
    found["milestones"] = [{"at": at, "rewards": rewards(draw, names)} for at in thresholds]
    return found


def board(draw, name, names):
    found = scored(draw, {"id": name, "title": name.title()}, names)
    found["period"] = draw(pick(["all_time", "yearly", "monthly", "weekly", "daily"]))
    maybe(draw, found, "ties", pick(["earliest", "shared", "dense"]))
    return maybe(draw, found, "segment", st.just("country"), one_in=3)


def scored(draw, found, names):
    if draw(pick(FEW)):
        return {**found, "score": {"sum": draw(pick(["points", "gem"]))}}
    measure = draw(pick(["count", "sum", "max", "latest"]))
    found |= heard(draw, names) if measure == "count" else {"event": "buy"}
    if measure == "count":
        return {**found, "score": draw(pick(["count", {"count": True, "weight": 2}]))}
    score = {measure: "amount"}
    return {**found, "score": maybe(draw, score, "weight", pick([1.5, 2, 0.1]), one_in=3)}


def contest(draw, name, names):
    found = {"id": name, "title": name.title()}
    found |= scored(draw, {}, names) | stretch(draw, ["starts", "ends"], needed=True)
    maybe(draw, found, "grace_hours", pick([0, 2, 48]))
    maybe(draw, found, "ties", pick(["earliest", "shared", "dense"]))
    ranks = draw(pick([[], [1], [1, "2-3"], ["1-2"], [2]]))
    found["prizes"] = [{"ranks": each, "rewards": rewards(draw, names)} for each in ranks]
    maybe(draw, found, "max_liability", pick([5, 8, 12]), one_in=3)
    maybe(draw, found, "draft", st.booleans(), one_in=6)
    summed = isinstance(found["score"], str) or {"sum", "count"} & set(found["score"])
    if summed and draw(st.booleans()):
        velocity = {draw(pick(["per_minute", "per_hour"])): draw(pick([1, 3, 6]))}
        found["velocity"] = maybe(draw, velocity, "action", pick(["flag", "hold", "hold"]))
    return found


def offer(draw, name):
    found = {"id": name, "title": name.title()}
    maybe(draw, found, "type", pick(["coupon", "voucher", "physical", "digital"]))
    maybe(draw, found, "price", pick([{"points": 3}, {"gem": 1}]))
    maybe(draw, found, "stock", pick([1, 2, 3]))
    maybe(draw, found, "codes", st.just(value=True), one_in=3)
    maybe(draw, found, "per_participant", pick([1, 2, "unlimited"]))
    return {**found, **(stretch(draw, ["starts", "ends"]) if draw(pick(FEW)) else {})}
