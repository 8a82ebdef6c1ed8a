"""From plain values to tiers, streaks, leaderboards, contests and the catalogue of rewards."""

import pytest
from tests.parsing import (
    BOARD,
    CONTEST,
    ONE,
    STREAK,
    board,
    challenge,
    contest,
    level,
    offer,
    problems,
    read_one,
    streak,
    tiers,
)

from laurels.core.filter import Clause, Path
from laurels.core.limits import RULES_MAX
from laurels.core.parse import parse_rulebook
from laurels.core.rulebook import (
    Board,
    Contest,
    Freezes,
    Ladder,
    Level,
    Listener,
    Offer,
    PointsReward,
    Price,
    Prize,
    Requalify,
    Score,
    Streak,
    StreakMilestone,
    Velocity,
    Window,
)

MARCH, APRIL = 1_772_323_200_000, 1_775_001_600_000
HOUR = 3_600_000
QUIZ = Listener(kind="custom.quiz")


def credited(currency):
    where = Clause(Path("currency"), "eq", currency)
    return Listener(kind="points.posted", where=where)


def ladder(**keys):
    read = parse_rulebook(tiers(**keys)).tiers
    assert read
    return read


def test_tiers_read_as_they_are_written():
    silver = {"id": "silver", "title": "Silver", "at": 100, "multiplier": 1.5, "keep": 80}
    silver |= {"perks": ["free shipping", "tea"], "color": "#ccc"}
    gold = {"id": "gold", "level": 5, "at": 200}
    requalify = {"every": "yearly", "grace_days": 30}
    assert ladder(levels=[silver, gold], requalify=requalify) == Ladder(
        hears=credited("points"),
        currency="points",
        levels=(
            Level(
                id="silver",
                title="Silver",
                level=1,
                at=100,
                multiplier=1_500_000,
                perks=("free shipping", "tea"),
                keep=80,
                color="#ccc",
            ),
            Level(id="gold", title="gold", level=5, at=200, multiplier=ONE, keep=200),
        ),
        requalify=Requalify(window=Window("yearly"), grace_days=30),
    )


def test_tiers_are_not_lost_unless_they_must_be_earned_again():
    assert ladder().requalify is None
    assert ladder(requalify={"every": "monthly"}).requalify == Requalify(window=Window("monthly"))


def test_a_level_may_be_kept_for_less_than_it_was_reached_for():
    assert [each.keep for each in ladder(levels=[{"id": "a", "at": 5, "keep": 0}]).levels] == [0]


@pytest.mark.parametrize(
    ("by", "hears", "currency"),
    [
        ("coin", credited("coin"), "coin"),
        ("points", credited("coin"), "coin"),
        ("gem", credited("gem"), "gem"),
        ({"event": "quiz"}, QUIZ, None),
        (
            {"fact": "custom.quiz", "where": {"x": 1}},
            Listener(kind="custom.quiz", where=Clause(Path("x"), "eq", 1)),
            None,
        ),
    ],
)
def test_tiers_go_by_a_currency_or_by_facts(by, hears, currency):
    read = parse_rulebook({"currencies": ["coin", "gem"]} | tiers(by=by)).tiers
    assert read
    assert (read.hears, read.currency) == (hears, currency)


@pytest.mark.parametrize(
    ("curve", "at"),
    [
        ({"count": 4, "first": 100}, [100, 200, 300, 400]),
        ({"count": 4, "first": 100, "growth": 1.2}, [100, 220, 364, 536]),
        # 1, 2.5, 4.75, 8.125: each is floored by itself, and none from one that was floored.
        ({"count": 4, "first": 1, "growth": 1.5}, [1, 2, 4, 8]),
    ],
)
def test_levels_may_follow_a_curve(curve, at):
    levels = ladder(levels=curve).levels
    assert [each.at for each in levels] == [each.keep for each in levels] == at
    assert [each.level for each in levels] == [1, 2, 3, 4]


def test_levels_of_a_curve_have_their_number_in_their_names():
    named = {"id": "rank-{level}.", "title": "Rank {level} of {level}"}
    first, second = ladder(levels={"count": 2, "first": 5, **named}).levels
    assert (first.id, second.id) == ("rank-1.", "rank-2.")
    assert second.title == "Rank 2 of 2"
    (only,) = ladder(levels={"count": 1, "first": 5}).levels
    assert (only.id, only.title) == ("level_1", "Level 1")


def test_a_streak_reads_as_it_is_written():
    freezes = {"cap": 2, "earn_every": 7, "apply": "asked", "price": {"points": 50}}
    milestones = [{"at": 7, "rewards": [{"points": 70}]}, {"at": 30}]
    written = {"title": "Daily", "grace_hours": 3, "freezes": freezes, "milestones": milestones}
    assert read_one(streak(**written)) == Streak(
        id="daily",
        title="Daily",
        hears=Listener(kind="custom.login"),
        unit="day",
        length=1,
        grace_hours=3,
        freezes=Freezes(cap=2, earn_every=7, apply="asked", price=Price("points", 50)),
        milestones=(
            StreakMilestone(at=7, rewards=(PointsReward("points", 70),)),
            StreakMilestone(at=30, rewards=()),
        ),
    )


def test_freezes_come_by_themselves_and_are_not_for_sale_unless_it_is_said():
    assert read_one(streak(freezes={"cap": 1})).freezes == Freezes(
        cap=1, earn_every=0, apply="automatic", price=None
    )


@pytest.mark.parametrize(
    ("every", "unit", "length", "grace"),
    [
        ("day", "day", 1, 23),
        ("week", "week", 1, 167),
        ("month", "month", 1, 167),
        ({"days": 3}, "day", 3, 71),
        ({"days": 30}, "day", 30, 167),
    ],
)
def test_a_streak_has_periods_and_less_grace_than_a_period(every, unit, length, grace):
    read = read_one(streak(every=every, grace_hours=grace))
    assert (read.unit, read.length, read.grace_hours) == (unit, length, grace)
    (found,) = problems(streak(every=every, grace_hours=grace + 1))
    assert f"streaks[0].grace_hours: must be a whole number from 0 to {grace}," in found


def test_a_leaderboard_reads_as_it_is_written():
    written = {"title": "Top", "period": "weekly", "ties": "dense", "segment": "country"}
    assert read_one(board(**written)) == Board(
        id="top",
        title="Top",
        hears=QUIZ,
        score=Score(measure="sum", of=Path("score")),
        window=Window("weekly"),
        ties="dense",
        segment="country",
    )
    plain = read_one(board())
    assert (plain.window, plain.ties, plain.segment) == (Window("lifetime"), "earliest", None)


@pytest.mark.parametrize(
    ("written", "score"),
    [
        ("count", Score(measure="count")),
        ({"count": True, "weight": 2}, Score(measure="count", weight=2 * ONE)),
        (
            {"max": "a.b", "weight": 1.5},
            Score(measure="max", of=Path("a.b", ("a", "b")), weight=1_500_000),
        ),
        ({"latest": "x"}, Score(measure="latest", of=Path("x"))),
    ],
)
def test_facts_are_scored(written, score):
    assert read_one(board(score=written)).score == score


@pytest.mark.parametrize(
    ("name", "currency"), [("points", "coin"), ("coin", "coin"), ("gem", "gem")]
)
def test_without_a_listener_all_credits_of_a_currency_are_scored(name, currency):
    entry = {"id": "top", "score": {"sum": name, "weight": 2}}
    book = parse_rulebook({"currencies": ["coin", "gem"], "leaderboards": [entry]})
    assert book.leaderboards[0].hears == credited(currency)
    assert book.leaderboards[0].score == Score(measure="sum", of=Path("amount"), weight=2 * ONE)


def test_a_contest_reads_as_it_is_written():
    prizes = [{"ranks": "2-3", "rewards": [{"points": 5}]}, {"ranks": 1}, {"ranks": "10-10"}]
    velocity = {"per_minute": 0.5, "per_hour": 1000, "action": "hold"}
    written = {"title": "Cup", "grace_hours": 0, "ties": "shared", "max_liability": 10000}
    written |= {"prizes": prizes, "velocity": velocity, "draft": True}
    read = read_one(contest(**written))
    assert read == Contest(
        id="cup",
        title="Cup",
        hears=QUIZ,
        score=Score(measure="sum", of=Path("score")),
        starts=MARCH,
        ends=APRIL,
        grace_ms=0,
        ties="shared",
        prizes=(
            Prize(first=1, last=1, rewards=()),
            Prize(first=2, last=3, rewards=(PointsReward("points", 5),)),
            Prize(first=10, last=10, rewards=()),
        ),
        liability_max=10000,
        velocity=Velocity(per_minute=500_000, per_hour=1000 * ONE, action="hold"),
        draft=True,
    )
    assert read.window == Window("fixed", MARCH, APRIL)


def test_a_contest_needs_little():
    plain = read_one(contest(velocity={"per_hour": 5}))
    assert (plain.grace_ms, plain.ties, plain.prizes) == (HOUR, "earliest", ())
    assert plain.velocity == Velocity(per_minute=None, per_hour=5 * ONE, action="flag")
    assert not plain.draft


def test_an_offer_reads_as_it_is_written():
    written = {"title": "Free coffee", "type": "coupon", "description": "Any size", "stock": 100}
    written |= {"codes": True, "per_participant": 3, "price": {"points": 200}}
    written |= {"starts": "2026-03-01", "ends": "2026-04-01"}
    assert read_one(offer(**written)) == Offer(
        id="coffee",
        title="Free coffee",
        type="coupon",
        description="Any size",
        price=Price("points", 200),
        stock=100,
        codes=True,
        per_participant=3,
        starts=MARCH,
        ends=APRIL,
    )
    assert read_one(offer()) == Offer(id="coffee", title="coffee")
    assert read_one(offer(per_participant="unlimited", stock=0)).per_participant is None


@pytest.mark.parametrize(
    ("name", "currency"), [("points", "coin"), ("coin", "coin"), ("gem", "gem")]
)
def test_a_price_is_in_one_currency(name, currency):
    book = parse_rulebook({"currencies": ["coin", "gem"]} | offer(price={name: 5}))
    assert book.offers[0].price == Price(currency, 5)


def levels(*written):
    return tiers(levels=[{"id": f"l{n}", **each} for n, each in enumerate(written)])


def curve(**keys):
    return tiers(levels={"count": 2, "first": 5} | keys)


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"tiers": []}, "tiers: must be a mapping of keys to values, not a list"),
        ({"tiers": {"levels": [{"id": "a", "at": 1}]}}, "tiers.by: is missing"),
        ({"tiers": {"by": "points"}}, "tiers.levels: is missing"),
        (tiers(by="point"), 'tiers.by: unknown currency "point": did you mean `points`?'),
        (tiers(by=5), "tiers.by: must be text, not the number 5"),
        (tiers(by={}), "tiers.by: needs an `event` or a `fact` to hear"),
        (tiers(by={"where": {"x": 1}}), "tiers.by.where: needs an `event` or a `fact` whose data"),
        (tiers(levels=[]), "tiers.levels: must have at least one level"),
        (tiers(levels="a"), 'tiers.levels: must be a list, not the text "a"'),
        (tiers(levels=[{}] * 1001), "tiers.levels: may have 1,000 levels, not 1,001"),
        (level(id="@"), 'tiers.levels[0].id: "@" must be 1 to 100 of the characters'),
        (level(at=-1), "tiers.levels[0].at: must be a whole number from 0 to"),
        (level(at=1.5), "tiers.levels[0].at: must be a whole number, not the number 1.5"),
        (level(level=0), "tiers.levels[0].level: must be a whole number from 1 to"),
        (level(multiplier=0), "tiers.levels[0].multiplier: must be at least 0.000001, not 0"),
        (level(perks=["a", 5]), "tiers.levels[0].perks[1]: must be text, not the number 5"),
        (level(keep=-1), "tiers.levels[0].keep: must be a whole number from 0 to"),
        (level(color=5), "tiers.levels[0].color: must be text, not the number 5"),
        ({"tiers": {"by": "points", "levels": [{"id": "a"}]}}, "tiers.levels[0].at: is missing"),
        (
            tiers(levels=[{"id": "a", "at": 1}, {"id": "a", "at": 2}]),
            "tiers.levels[1].id: `a` is there twice; ids must differ",
        ),
        (
            levels({"at": 5}, {"at": 5}),
            "tiers.levels[1].at: must be more than 5, the `at` of the level before, not 5",
        ),
        (
            levels({"at": 5, "level": 3}, {"at": 6}),
            "tiers.levels[1].level: must be more than 3, the `level` of the level before, not 2",
        ),
        (
            levels({"at": 5}, {"at": "x"}),
            "tiers.levels[1].at: must be a whole number, not the text",
        ),
        # Curves.
        (curve(count=1001), "tiers.levels.count: must be a whole number from 1 to 1,000, not 1001"),
        (curve(first=0), "tiers.levels.first: must be a whole number from 1 to"),
        (tiers(levels={"count": 2}), "tiers.levels.first: is missing"),
        (tiers(levels={"first": 2}), "tiers.levels.count: is missing"),
        (curve(growth=0.9), "tiers.levels.growth: must be 1 or more"),
        (curve(growth="x"), 'tiers.levels.growth: must be a number, not the text "x"'),
        (curve(id="level"), "tiers.levels.id: must have `{level}` where the number goes, as"),
        (curve(id="{level}!"), 'tiers.levels.id: "2!" must be 1 to 100 of the characters'),
        (curve(count=100, growth=2), "tiers.levels: level 48 would be at more than 1,000,000,000,"),
        # Requalification.
        (tiers(requalify={}), "tiers.requalify.every: is missing"),
        (tiers(requalify={"every": "weekly"}), 'tiers.requalify.every: unknown word "weekly"'),
        (
            tiers(requalify={"every": "yearly", "grace_days": 366}),
            "tiers.requalify.grace_days: must be a whole number from 0 to 365, not 366",
        ),
    ],
)
def test_a_mistake_in_tiers_is_told(tree, problem):
    found = problems(tree)
    assert problem in found[0]
    assert len(found) == 1


def freezes(**keys):
    return streak(freezes={"cap": 1} | keys)


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"streaks": {}}, "streaks: must be a list, not a mapping"),
        ({"streaks": [{"id": "a"}]}, "streaks[0]: needs an `event` or a `fact` to hear"),
        ({"streaks": [STREAK] * 2}, "streaks[1].id: `daily` is there twice; ids must differ"),
        (streak(evry="day"), 'streaks[0].evry: unknown key "evry": did you mean `every`?'),
        (streak(every="days"), 'streaks[0].every: unknown word "days": did you mean `day`?'),
        (
            streak(every={"days": 0}),
            "streaks[0].every.days: must be a whole number from 1 to 3,650",
        ),
        (streak(every={}), "streaks[0].every.days: is missing"),
        (streak(grace_hours=-1), "streaks[0].grace_hours: must be a whole number from 0 to 23"),
        (streak(freezes={}), "streaks[0].freezes.cap: is missing"),
        (freezes(cap=1001), "streaks[0].freezes.cap: must be a whole number from 1 to 1,000"),
        (freezes(earn_every=0), "streaks[0].freezes.earn_every: must be a whole number from 1 to"),
        (freezes(apply="auto"), 'streaks[0].freezes.apply: unknown word "auto": did you mean'),
        (freezes(price={}), "streaks[0].freezes.price: must name one currency and how much of it"),
        (streak(milestones=[{}]), "streaks[0].milestones[0].at: is missing"),
        (streak(milestones=[{}, {}]), "streaks[0].milestones[0].at: is missing"),
        (
            streak(milestones=[{"at": 0}]),
            "streaks[0].milestones[0].at: must be a whole number from",
        ),
        (
            streak(milestones=[{"at": 7}, {"at": 7}]),
            "streaks[0].milestones[1].at: `7` is there twice; put the rewards together",
        ),
        (
            streak(milestones=[{"at": 7, "rewards": [{"badge": "b"}]}]),
            'streaks[0].milestones[0].rewards[0].badge: unknown badge "b": the rulebook has none',
        ),
    ],
)
def test_a_mistake_in_a_streak_is_told(tree, problem):
    found = problems(tree)
    assert problem in found[0]


def without(entry, key):
    return {name: value for name, value in entry.items() if name != key}


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        (
            {"leaderboards": [BOARD] * 2},
            "leaderboards[1].id: `top` is there twice; ids must differ",
        ),
        ({"leaderboards": [without(BOARD, "score")]}, "leaderboards[0].score: is missing"),
        (board(score="sum"), 'leaderboards[0].score: unknown word "sum"'),
        (
            board(score={}),
            "leaderboards[0].score: needs exactly one of `count`, `sum`, `max`, `lat",
        ),
        (board(score={"sum": "a", "max": "b"}), "leaderboards[0].score: needs exactly one of"),
        (board(score={"count": 1}), "leaderboards[0].score.count: must be true; to score a"),
        (board(score={"sum": 5}), "leaderboards[0].score.sum: must be text, not the number 5"),
        (board(score={"sum": "a", "weight": 0}), "score.weight: must be at least 0.000001, not 0"),
        (board(period="weakly"), 'leaderboards[0].period: unknown word "weakly": did you mean'),
        (board(ties="first"), 'leaderboards[0].ties: unknown word "first"'),
        (board(segment=5), "leaderboards[0].segment: must be text, not the number 5"),
        # Without a listener.
        (
            {"leaderboards": [{"id": "a", "score": "count"}]},
            "leaderboards[0]: needs an `event` or a `fact` to hear; only `score: {sum: ",
        ),
        (
            {"leaderboards": [{"id": "a", "score": {"max": "points"}}]},
            "leaderboards[0]: needs an `event` or a `fact` to hear; only",
        ),
        (
            {"leaderboards": [{"id": "a", "score": {"sum": "point"}}]},
            'leaderboards[0].score.sum: unknown currency "point": did you mean `points`?',
        ),
        (
            {"leaderboards": [{"id": "a", "score": {"sum": 5}}]},
            "leaderboards[0].score.sum: must be text, not the number 5",
        ),
        (
            {"leaderboards": [{"id": "a", "where": {"x": 1}, "score": {"sum": "points"}}]},
            "leaderboards[0].where: needs an `event` or a `fact` whose data it is about",
        ),
        # Contests.
        ({"contests": [CONTEST] * 2}, "contests[1].id: `cup` is there twice; ids must differ"),
        (contest(id="top") | board(), "contests[0].id: `top` is the id of a leaderboard; ids of"),
        ({"contests": [without(CONTEST, "ends")]}, "contests[0].ends: is missing"),
        ({"contests": [without(CONTEST, "starts")]}, "contests[0].starts: is missing"),
        (contest(ends="2026-02-01"), "contests[0].ends: must be later than `starts`"),
        (contest(segment="country"), 'contests[0].segment: unknown key "segment"'),
        (contest(grace_hours=721), "contests[0].grace_hours: must be a whole number from 0 to 720"),
        (contest(max_liability=0), "contests[0].max_liability: must be a whole number from 1 to"),
        (contest(draft="yes"), "contests[0].draft: must be true or false, without quotes, not the"),
        # Prizes.
        (contest(prizes=[{}]), "contests[0].prizes[0].ranks: is missing"),
        (
            contest(prizes=[{"ranks": 0}]),
            "contests[0].prizes[0].ranks: must be a whole number from 1",
        ),
        (
            contest(prizes=[{"ranks": "first"}]),
            'prizes[0].ranks: must be a rank such as 1, or several such as 2-3, not "first"',
        ),
        (
            contest(prizes=[{"ranks": "3-2"}]),
            "prizes[0].ranks: must be a rank such as 1, or several",
        ),
        (
            contest(prizes=[{"ranks": "0-2"}]),
            "prizes[0].ranks: must be a rank such as 1, or several",
        ),
        (
            contest(prizes=[{"ranks": "2-3"}, {"ranks": "1-9"}, {"ranks": 10}]),
            "contests[0].prizes[0].ranks: overlaps the ranks 1-9 of another prize; a rank has one",
        ),
        (
            contest(prizes=[{"ranks": 1}, {"ranks": 1}]),
            "contests[0].prizes[1].ranks: overlaps the ranks 1-1 of another prize",
        ),
        # Velocity.
        (contest(velocity={}), "contests[0].velocity: needs `per_minute`, `per_hour`, or both"),
        (contest(velocity={"per_hour": 0}), "velocity.per_hour: must be at least 0.000001, not 0"),
        (
            contest(velocity={"per_hour": 1, "action": "drop"}),
            'contests[0].velocity.action: unknown word "drop"',
        ),
        # The catalogue.
        ({"rewards": [{"id": "a"}] * 2}, "rewards[1].id: `a` is there twice; ids must differ"),
        (offer(type="digitl"), 'rewards[0].type: unknown word "digitl": did you mean `digital`?'),
        (offer(price=200), "rewards[0].price: must be a mapping of keys to values, not the number"),
        (offer(price={}), "rewards[0].price: must name one currency and how much of it, as"),
        (
            {"currencies": ["points", "gem"]} | offer(price={"points": 1, "gem": 1}),
            "rewards[0].price: must name one currency and how much of it, as `{points: 200}`",
        ),
        (offer(price={"point": 1}), 'rewards[0].price.point: unknown currency "point": did you'),
        (offer(price={"points": 0}), "rewards[0].price.points: must be a whole number from 1 to"),
        (offer(stock=-1), "rewards[0].stock: must be a whole number from 0 to"),
        (
            offer(codes=1),
            "rewards[0].codes: must be true or false, without quotes, not the number 1",
        ),
        (offer(per_participant=0), "rewards[0].per_participant: must be a whole number from 1 to"),
        (
            offer(per_participant="once"),
            'must be a whole number or `unlimited`, not the text "once"',
        ),
        (
            offer(starts="2026-03-01", ends="2026-03-01"),
            "rewards[0].ends: must be later than `starts`",
        ),
    ],
)
def test_a_mistake_in_a_board_or_an_offer_is_told(tree, problem):
    found = problems(tree)
    assert problem in found[0]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("section", "entry"),
    [("streaks", STREAK), ("leaderboards", BOARD), ("contests", CONTEST), ("rewards", {})],
)
def test_every_kind_of_rule_counts_towards_the_most_there_may_be(section, entry):
    entries = [{**entry, "id": f"e{n}"} for n in range(RULES_MAX)]
    assert parse_rulebook({section: entries})
    (found,) = problems({section: entries} | challenge())
    assert found.startswith("rulebook: may have 10,000 earn rules, badges, objectives, streaks,")
