"""From plain values to earn rules and challenges: campaigns, caps, windows, milestones."""

import pytest
from tests.parsing import GOAL, ONE, SIGNUP, challenge, earn, objective, problems, read_one

from laurels.core.parse import parse_rulebook
from laurels.core.rulebook import (
    Campaign,
    Cap,
    ChallengeMilestone,
    FreezeReward,
    Incident,
    ItemReward,
    OfferReward,
    PointsReward,
    Window,
)

MARCH = 1_772_323_200_000
DAY = 86_400_000
AB = [{"id": "a", "event": "x", "count": 2}, {"id": "b", "event": "y", "count": 3}]


def test_a_currency_may_have_a_life():
    written = ["points", {"id": "gem", "expires": {"days": 90}}, {"id": "coin"}]
    book = parse_rulebook({"currencies": written})
    assert book.currencies == ("points", "gem", "coin")
    assert book.lifetimes_days == {"gem": 90}


def test_a_campaign_has_a_time_and_a_multiplier():
    written = {"starts": "2026-03-01", "ends": "2026-03-02T00:00:00Z", "multiplier": 1.5}
    campaigns = [{"id": "spring", "title": "Spring", **written}, {"id": "always"}]
    spring, always = parse_rulebook({"campaigns": campaigns}).campaigns
    assert spring == Campaign(
        id="spring", title="Spring", starts=MARCH, ends=MARCH + DAY, multiplier=1_500_000
    )
    assert always == Campaign(id="always", title="always", multiplier=ONE)


def test_a_rule_may_belong_to_a_campaign():
    book = parse_rulebook(
        {"campaigns": [{"id": "spring"}]} | earn(campaign="spring") | challenge(campaign="spring")
    )
    assert book.earn[0].campaign is book.challenges[0].campaign is book.campaigns[0]


def test_an_incident_has_a_beginning_and_an_end():
    incident = {"from": "2026-03-01", "to": "2026-03-01T10:00:00+01:00"}
    book = parse_rulebook({"incidents": [incident]})
    assert book.incidents == (Incident(MARCH, MARCH + 9 * 3_600_000),)


@pytest.mark.parametrize(
    ("written", "cap"),
    [
        ({"points": 100}, Cap(of="points", most=100, window=Window("lifetime"))),
        ({"times": 1, "per": "weekly"}, Cap(of="times", most=1, window=Window("weekly"))),
        ({"points": 5, "per": "yearly"}, Cap(of="points", most=5, window=Window("yearly"))),
    ],
)
def test_an_earn_rule_may_be_capped(written, cap):
    assert read_one(earn(cap=cap and written)).cap == cap


def test_credits_may_expire_and_go_unmultiplied():
    plain = read_one(earn())
    assert (plain.expires_days, plain.multiplied) == (0, True)
    rule = read_one(earn(expires={"days": 36500}, multiply=False))
    assert (rule.expires_days, rule.multiplied) == (36500, False)


def test_a_badge_may_be_described():
    words = {"description": "Does much", "icon": "star.png", "rarity": "epic"}
    badge = read_one({"badges": [{"id": "b", **words}]})
    assert (badge.description, badge.icon, badge.rarity) == tuple(words.values())


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ({"days": 30}, Window("rolling", days=30, begins="first")),
        ({"days": 3650, "begins": "first"}, Window("rolling", days=3650, begins="first")),
        ({"days": 1, "begins": "enrolment"}, Window("rolling", days=1, begins="enrolment")),
    ],
)
def test_a_window_may_roll(written, window):
    assert read_one(challenge(window=written, enrolment="asked")).window == window


@pytest.mark.parametrize(("written", "repeat"), [("once", 1), (3, 3), ("unlimited", None)])
def test_a_challenge_may_be_completed_so_often(written, repeat):
    assert read_one(challenge(repeat=written)).repeat == repeat


def test_a_challenge_may_wait_for_others():
    first = {**GOAL, "id": "first"}
    book = parse_rulebook({"challenges": [{**GOAL, "requires": ["first"]}, first]})
    assert [each.requires for each in book.challenges] == [("first",), ()]


def test_an_objective_may_wait_for_others():
    late = {"id": "c", "event": "z", "count": 1, "after": ["a", "b"]}
    objectives = read_one(challenge(objectives=[late, *AB])).objectives
    assert [each.after for each in objectives] == [("a", "b"), (), ()]


def test_a_challenge_may_ask_to_be_joined_and_notice_who_leaves():
    asked = read_one(challenge(enrolment="asked", drop_off_hours=72))
    assert (asked.enrolment, asked.drop_off_hours) == ("asked", 72)
    plain = read_one(challenge())
    assert (plain.enrolment, plain.drop_off_hours) == ("automatic", 0)


@pytest.mark.parametrize(
    ("objectives", "written", "milestone"),
    [
        (
            AB,
            {"id": "half", "objective": "b", "at": 3, "rewards": [{"points": 5}]},
            ChallengeMilestone(
                id="half", objective="b", at=3 * ONE, rewards=(PointsReward("points", 5),)
            ),
        ),
        (
            GOAL["objectives"],
            {"at": 1.5},
            ChallengeMilestone(id="goal-1.5", objective="goal", at=1_500_000, rewards=()),
        ),
    ],
)
def test_a_challenge_may_pay_on_the_way(objectives, written, milestone):
    one = read_one(challenge(objectives=objectives, milestones=[written]))
    assert one.milestones == (milestone,)


def test_a_reward_may_be_an_offer_or_a_freeze():
    streaks = [{"id": "s", "event": "x", "freezes": {"cap": 1}}]
    offers = [{"id": "coffee", "title": "Free coffee"}]
    rewards = [
        {"reward": "coffee"},
        {"freeze": "s"},
        {"freeze": "s", "quantity": 2},
        {"item": "hat", "quantity": 2},
    ]
    book = parse_rulebook({"streaks": streaks, "rewards": offers} | challenge(rewards=rewards))
    assert book.challenges[0].rewards == (
        OfferReward("coffee", "Free coffee"),
        FreezeReward("s", 1),
        FreezeReward("s", 2),
        ItemReward("hat", 2),
    )


def many(*challenges):
    return {"challenges": [{**GOAL, **each} for each in challenges]}


def two(**keys):
    return challenge(objectives=AB, **keys)


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        # Currencies.
        ({"currencies": [{"id": "a"}, "a"]}, "currencies[1]: `a` is there twice"),
        ({"currencies": [{}]}, "currencies[0].id: is missing"),
        ({"currencies": [{"id": "a", "life": 1}]}, 'currencies[0].life: unknown key "life"'),
        (
            {"currencies": [{"id": "a", "expires": {"days": 36501}}]},
            "currencies[0].expires.days: must be a whole number from 1 to 36,500, not 36501",
        ),
        ({"currencies": [5]}, "currencies[0]: must be text, not the number 5"),
        # Incidents and campaigns.
        ({"incidents": [{"from": "2026-03-01"}]}, "incidents[0].to: is missing"),
        (
            {"incidents": [{"from": "2026-03-01", "to": "2026-02-01"}]},
            "incidents[0].to: must be later than `from`",
        ),
        ({"campaigns": [{"id": "a"}] * 2}, "campaigns[1].id: `a` is there twice; ids must differ"),
        (
            {"campaigns": [{"id": "a", "starts": "2026-03-01", "ends": "2026-03-01"}]},
            "campaigns[0].ends: must be later than `starts`",
        ),
        (
            {"campaigns": [{"id": "a", "multiplier": 0}]},
            "campaigns[0].multiplier: must be at least 0.000001, not 0",
        ),
        # Earn rules.
        (earn(campaign="x"), 'earn[0].campaign: unknown campaign "x": the rulebook has none'),
        (
            earn(campaign="sprin") | {"campaigns": [{"id": "spring"}]},
            'unknown campaign "sprin": did you mean `spring`?',
        ),
        (earn(cap=5), "earn[0].cap: must be a mapping of keys to values, not the number 5"),
        (earn(cap={}), "earn[0].cap: needs exactly one of `points`, `times`"),
        (earn(cap={"points": 1, "times": 1}), "earn[0].cap: needs exactly one of `points`"),
        (earn(cap={"times": 0}), "earn[0].cap.times: must be a whole number from 1 to"),
        (earn(cap={"times": 1, "per": "hourly"}), 'earn[0].cap.per: unknown word "hourly"'),
        (
            earn(expires={"days": 0}),
            "earn[0].expires.days: must be a whole number from 1 to 36,500",
        ),
        (earn(expires={}), "earn[0].expires.days: is missing"),
        (earn(expires=30), "earn[0].expires: must be a mapping of keys to values, not the number"),
        (
            earn(multiply="no"),
            "earn[0].multiply: must be true or false, without quotes, not the te",
        ),
        # Badges.
        ({"badges": [{"id": "b", "rarity": "rar"}]}, 'badges[0].rarity: unknown word "rar": did'),
        ({"badges": [{"id": "b", "icon": 5}]}, "badges[0].icon: must be text, not the number 5"),
        # Windows.
        (challenge(window={"days": 0}), "window.days: must be a whole number from 1 to 3,650"),
        (challenge(window={"days": 3651}), "window.days: must be a whole number from 1 to 3,650"),
        (challenge(window={"begins": "first"}), "challenges[0].window.days: is missing"),
        (
            challenge(window={"days": 1, "begins": "enrolment"}),
            "challenges[0].window.begins: needs `enrolment: asked` in the challenge",
        ),
        (challenge(window={"days": 1, "begins": "now"}), 'window.begins: unknown word "now"'),
        (
            challenge(window={"days": 1, "to": "2026-01-01"}),
            "challenges[0].window: goes by `from` and `to`, or by `days`; not by both",
        ),
        # How a challenge goes.
        (challenge(enrolment="ask"), 'challenges[0].enrolment: unknown word "ask": did you mean'),
        (challenge(repeat=0), "challenges[0].repeat: must be a whole number from 1 to"),
        (
            challenge(repeat="twice"),
            'repeat: must be a whole number or `once` or `unlimited`, not the text "twice"',
        ),
        (challenge(drop_off_hours=8761), "drop_off_hours: must be a whole number from 1 to 8,760"),
        (challenge(campaign="x"), 'challenges[0].campaign: unknown campaign "x"'),
        # What comes before it.
        (
            challenge(requires=["gaol"]),
            'challenges[0].requires[0]: unknown challenge "gaol": did you mean `goal`?',
        ),
        (challenge(requires="goal"), 'challenges[0].requires: must be a list, not the text "goal"'),
        (
            many({"requires": ["other", "other"]}, {"id": "other"}),
            "challenges[0].requires[1]: `other` is there twice",
        ),
        (
            challenge(requires=["goal"]),
            "challenges[0].requires: goes round in a circle, `goal -> goal`, so that none",
        ),
        (
            many(
                {"id": "x", "requires": ["a"]},
                {"id": "a", "requires": ["b"]},
                {"id": "b", "requires": ["c"]},
                {"id": "c", "requires": ["a"]},
            ),
            "challenges[1].requires: goes round in a circle, `a -> b -> c -> a`, so that",
        ),
        # The order of its objectives.
        (
            objective(count=1, after=["x"]),
            'objectives[0].after[0]: unknown objective "x": write one of `o`',
        ),
        (
            challenge(objectives=[{"event": "walk", "count": 3, "after": ["goal"]}]),
            "objectives[0].after: goes round in a circle, `goal -> goal`, so that none",
        ),
        (
            challenge(objectives=[AB[0] | {"after": ["b"]}, AB[1] | {"after": ["a"]}]),
            "challenges[0].objectives[0].after: goes round in a circle, `a -> b -> a`, so that",
        ),
        # Milestones.
        (challenge(milestones=[{}]), "challenges[0].milestones[0].at: is missing"),
        (challenge(milestones=[{"at": 0}]), "milestones[0].at: must be at least 0.000001, not 0"),
        (
            challenge(milestones=[{"at": 3.5}]),
            "milestones[0].at: must be at most 3, the target of `goal`",
        ),
        (two(milestones=[{"at": 1}]), "challenges[0].milestones[0].objective: is missing"),
        (
            two(milestones=[{"at": 1, "objective": "c"}]),
            'milestones[0].objective: unknown objective "c": write one of `a`, `b`',
        ),
        (
            two(milestones=[{"at": 3, "objective": "a"}]),
            "milestones[0].at: must be at most 2, the target of `a`",
        ),
        (
            two(milestones=[{"at": 1, "objective": "a"}, {"at": 1.0, "objective": "a"}]),
            "challenges[0].milestones[1].id: `a-1` is there twice; ids must differ",
        ),
        # With a target that cannot be read, nothing is known about what lies beyond it.
        (
            challenge(
                objectives=[{"event": "x", "count": "many"}],
                milestones=[{"at": 5}],
            ),
            'challenges[0].objectives[0].count: must be a whole number, not the text "many"',
        ),
        # A list that is none is told of once.
        (challenge(objectives=5), "challenges[0].objectives: must be a list, not the number 5"),
        # Rewards.
        (challenge(rewards=[{"reward": "x"}]), 'unknown reward "x": the rulebook has none'),
        (challenge(rewards=[{"freeze": "x"}]), 'unknown streak "x": the rulebook has none'),
        (challenge(rewards=[{"freeze": "x", "item": "y"}]), "rewards[0]: needs exactly one of"),
        (
            challenge(rewards=[{"freeze": "s"}]) | {"streaks": [{"id": "s", "event": "x"}]},
            "challenges[0].rewards[0].freeze: the streak `s` takes no freezes; give it `freezes`",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(tree, problem):
    found = problems(tree)
    assert problem in found[0]
    assert len(found) == 1


def posted(name, **where):
    heard = {"where": where} if where else {}
    return {"id": name, "fact": "points.posted", "points": 1, **heard}


FEEDS = "feeds itself without end: "


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([posted("a")], f"earn[0].fact: {FEEDS}`a -> a`; say in `where` which other `rule` or"),
        ([SIGNUP, posted("b", amount={"gt": 5})], f"earn[1].fact: {FEEDS}`b -> b`"),
        ([posted("a", rule="b"), posted("b", rule="a")], f"earn[0].fact: {FEEDS}`a -> b -> a`"),
        # What `a` posts is heard by `b`, and so on.
        (
            [posted("a", rule="c"), posted("b", rule="a"), posted("c", rule="b")],
            f"earn[0].fact: {FEEDS}`a -> b -> c -> a`",
        ),
    ],
)
def test_earn_rules_that_feed_each_other_are_refused(rules, problem):
    (found,) = problems({"earn": rules})
    assert found.startswith(problem)


def test_a_circle_of_challenges_says_what_to_do():
    (found,) = problems(challenge(requires=["goal"]))
    assert found.endswith("`goal -> goal`, so that none can be first; take one out")


def test_a_long_circle_is_shown_shortened():
    rules = [posted(f"r{n}", rule=f"r{(n - 1) % 20}") for n in range(20)]
    shown = " -> ".join(f"r{n}" for n in range(12))
    assert f"`{shown} -> … -> r0`" in problems({"earn": rules})[0]


@pytest.mark.parametrize(
    "rules",
    [
        [posted("a", rule="welcome"), SIGNUP],
        [posted("a", rule={"not_in": ["a"]})],
        [posted("a", currency="gem")],
        [posted("a", rule="goal"), posted("b", rule="a")],
    ],
)
def test_earn_rules_that_hear_only_others_are_fine(rules):
    book = parse_rulebook({"currencies": ["points", "gem"], "earn": rules})
    assert len(book.earn) == len(rules)


def test_while_a_rule_cannot_be_read_nothing_is_said_of_circles():
    found = problems({"earn": [posted("a", rule={"not": "a"})]})
    assert len(found) == 1
    assert "unknown operator" in found[0]
