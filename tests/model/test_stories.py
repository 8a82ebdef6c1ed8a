"""Stories straight from the documents, told to the model alone: does it say what they say?"""

from tests.model import streaks, tiers
from tests.model.days import NOON
from tests.model.model import World
from tests.model.steps import (
    Award,
    ClaimChallenge,
    Deduct,
    Describe,
    EndHold,
    Enrol,
    Freeze,
    GiveTier,
    Hold,
    Pause,
    Review,
    Settle,
    Take,
    Tell,
    Wait,
)

BUY = {"event": "buy"}
LOGIN = Tell("ann", "login")
NEXT_DAY = Wait(24)


def buy(amount=1, *, who="ann", at=None):
    return Tell(who, "buy", {"amount": amount}, at)


def play(book, *told):
    world = World(book, NOON)
    return world, [world.play(step) for step in told]


def ann(world):
    return world.seen()["people"]["ann"]


def balance(world, currency="points"):
    return ann(world)["balances"][currency]


def test_an_earn_rule_multiplies_all_and_floors_once():
    rule = {"id": "a", **BUY, "points": {"of": "amount", "times": 1.5}, "campaign": "spring"}
    book = {
        "campaigns": [{"id": "spring", "multiplier": 1.5}],
        "tiers": {"by": "points", "levels": [{"id": "silver", "at": 2, "multiplier": 1.5}]},
        "earn": [rule],
    }

    world, _ = play(book, buy(1), buy(1))

    # 1 * 1.5 * 1.5 = 2.25; then in silver 1 * 1.5 * 1.5 * 1.5 = 3.375.
    assert balance(world) == (5, 5, 0, 0)


def test_a_cap_cuts_points_to_what_is_left_of_the_window():
    book = {"earn": [{"id": "a", **BUY, "points": 5, "cap": {"points": 8, "per": "daily"}}]}

    world, _ = play(book, buy(), buy(), buy(), buy(at=-24))

    assert balance(world) == (13, 13, 0, 0)
    assert ann(world)["caps"] == {("a", "2024-05-15"): 8, ("a", "2024-05-14"): 5}


def test_what_expires_soonest_is_spent_first_and_the_rest_dies():
    book = {"earn": [{"id": "a", **BUY, "points": 5, "expires": {"days": 1}}]}

    world, told = play(book, Award("ann", 5), buy(), Deduct("ann", 3), Wait(24))
    assert balance(world) == (7, 10, 3, 0)
    world.play(Wait(12))

    assert told == ["ok"] * 4
    assert balance(world) == (5, 10, 3, 0)


def test_a_hold_is_captured_in_part_and_the_rest_comes_back():
    hold, capture = Hold("ann", 6), EndHold("ann", 0, capture=True, amount=2)

    world, told = play({}, Award("ann", 8), hold, Deduct("ann", 3))
    assert told == ["ok", "ok", "WouldOverdraw"]
    assert balance(world) == (2, 8, 0, 6)
    world.play(capture)

    assert balance(world) == (6, 8, 2, 0)


def test_a_streak_breaks_where_a_day_is_missed_and_late_facts_mend_it():
    book = {"streaks": [{"id": "s", "event": "login", "milestones": [milestone(3)]}]}
    late = Tell("ann", "login", at=-24)

    world, _ = play(book, LOGIN, NEXT_DAY, NEXT_DAY, NEXT_DAY)
    assert ann(world)["streaks"]["s"] == (0, 1, 0, False)
    world.play(LOGIN)
    world.play(late)
    assert ann(world)["streaks"]["s"] == (2, 2, 0, True)
    world.play(Tell("ann", "login", at=-48))

    assert ann(world)["streaks"]["s"] == (4, 4, 0, True)
    assert balance(world) == (7, 7, 0, 0)


def milestone(at):
    return {"at": at, "rewards": [{"points": 7}]}


def test_a_fact_in_the_hours_of_grace_counts_for_the_day_before():
    book = {"streaks": [{"id": "s", "event": "login", "grace_hours": 3}]}

    world, _ = play(book, LOGIN, Wait(24 + 13), LOGIN)  # The second comes at one in the night.
    assert ann(world)["streaks"]["s"] == (2, 2, 0, False)
    world.play(Tell("ann", "login", at=-12))  # Now the day before has a fact of its own.

    assert ann(world)["streaks"]["s"] == (3, 3, 0, True)


def test_freezes_are_earned_and_forgive_in_order_of_time():
    freezes = {"cap": 1, "earn_every": 2}
    book = {"streaks": [{"id": "s", "event": "login", "freezes": freezes}]}

    world, _ = play(book, LOGIN, NEXT_DAY, LOGIN)
    assert ann(world)["streaks"]["s"] == (2, 2, 1, True)
    world.play(Wait(48))
    assert ann(world)["streaks"]["s"] == (2, 2, 0, False)
    world.play(Wait(24))

    assert ann(world)["streaks"]["s"] == (0, 2, 0, False)


def test_a_freeze_is_asked_for_while_a_missed_day_is_in_grace():
    freezes = {"cap": 1, "apply": "asked", "price": {"points": 3}}
    book = {"streaks": [{"id": "s", "event": "login", "grace_hours": 3, "freezes": freezes}]}
    use, buy_one = Freeze("ann", "s"), Freeze("ann", "s", "buy")

    world, told = play(
        book, Award("ann", 5), use, LOGIN, buy_one, buy_one, Wait(37), use, use, Wait(11), LOGIN
    )

    assert [each for each in told if each != "ok"] == [
        "NothingToFreeze",
        "FreezesFull",
        "NoFreezeLeft",
    ]
    assert ann(world)["streaks"]["s"] == (2, 2, 0, True)


def test_a_pause_needs_no_facts_and_does_not_begin_in_the_past():
    book = {"streaks": [{"id": "s", "event": "login"}]}
    world, told = play(
        book, LOGIN, Pause("ann", "s", 24, 48), Pause("ann", "s", -24, 0), Wait(72), LOGIN
    )

    assert told == ["ok", "ok", "InvalidCommand", "ok", "ok"]
    assert ann(world)["streaks"]["s"] == (2, 2, 0, True)


def test_a_period_of_weeks_begins_on_the_day_that_the_rulebook_says():
    book = {"week_starts": "sunday", "streaks": [{"id": "s", "event": "login", "every": "week"}]}
    world, _ = play(book)
    [streak] = book["streaks"]
    periods = streaks.Periods(world, world.person("ann"), streak)

    sunday = periods.start(periods.of(NOON))

    assert NOON - sunday == (3 * 24 + 12) * 60 * 60 * 1000
    assert periods.of(sunday - 1) == periods.of(sunday) - 1


def test_a_level_is_kept_for_the_rest_of_its_year_and_lost_after_the_next():
    silver = {"id": "silver", "at": 10, "keep": 5}
    requalify = {"every": "yearly", "grace_days": 10}
    book = {"tiers": {"by": "points", "levels": [silver], "requalify": requalify}}

    world, _ = play(book, Award("ann", 10), Wait(24 * 300))
    assert ann(world)["tier"] == ("silver", 1, False)
    world.play(Wait(24 * 305))
    assert ann(world)["tier"] == ("silver", 1, False)
    world.play(Wait(24 * 10))

    assert ann(world)["tier"] == (None, 0, False)


def test_a_tier_by_hand_stays_until_automation_passes_what_it_gave_then():
    ladder = [{"id": name, "at": at} for name, at in (("a", 1), ("b", 10), ("c", 20))]
    book = {"tiers": {"by": "points", "levels": ladder}}

    world, _ = play(book, Award("ann", 10), GiveTier("ann", "a"), Award("ann", 1))
    assert ann(world)["tier"] == ("a", 1, True)
    world.play(Award("ann", 9))

    assert ann(world)["tier"] == ("c", 3, False)


def test_ranks_are_told_by_each_rule_of_ties():
    score = {"event": "buy", "score": {"max": "amount"}}
    ties = ("earliest", "shared", "dense")
    book = {"leaderboards": [{"id": each, **score, "ties": each} for each in ties]}
    told = [buy(5), buy(3, who="bob"), buy(3, who="cyd", at=-1), buy(1, who="dee")]

    world, _ = play(book, *told)
    found = {key[0]: [each[:2] for each in value] for key, value in world.seen()["boards"].items()}

    assert found["earliest"] == [("ann", 1), ("cyd", 2), ("bob", 3), ("dee", 4)]
    assert found["shared"] == [("ann", 1), ("cyd", 2), ("bob", 2), ("dee", 4)]
    assert found["dense"] == [("ann", 1), ("cyd", 2), ("bob", 2), ("dee", 3)]


CUP = {
    "id": "cup",
    "event": "buy",
    "score": {"sum": "amount"},
    "starts": "2024-05-15T00:00:00Z",
    "ends": "2024-05-16T00:00:00Z",
    "prizes": [{"ranks": "1-2", "rewards": [{"points": 6}]}],
}


def test_prizes_go_out_by_rank_until_one_would_pass_the_limit():
    book = {"contests": [{**CUP, "max_liability": 8}]}

    world, _ = play(book, buy(3), buy(9, who="bob"), Wait(12.5), buy(1, at=-1), Wait(1), buy(9))

    assert world.seen()["contests"] == {"cup": True}
    assert world.seen()["people"]["bob"]["balances"] == {"points": (6, 6, 0, 0)}
    assert ann(world)["balances"] == {}
    assert world.seen()["boards"]["cup", "", None][1][:3] == ("ann", 2, 4)


def test_what_is_too_fast_is_held_until_an_operator_lets_it_count():
    book = {"contests": [{**CUP, "velocity": {"per_minute": 5, "action": "hold"}}]}

    world, _ = play(book, buy(3), buy(4), buy(2))
    [(_, _, score, _)] = world.seen()["boards"]["cup", "", None]
    assert score == 5
    world.play(Review("ann", "cup", accept=True))

    assert world.seen()["boards"]["cup", "", None][0][2] == 9


def test_a_challenge_is_enrolled_in_counts_in_order_and_is_claimed_once():
    objectives = [{"id": "o1", **BUY, "count": 1}, {"id": "o2", "event": "see", "count": 1}]
    objectives[1]["after"] = ["o1"]
    quest = {"id": "c", "enrolment": "asked", "claim": "manual", "repeat": "once"}
    quest |= {"window": {"days": 2, "begins": "enrolment"}, "objectives": objectives}
    claim, see = ClaimChallenge("ann", "c"), Tell("ann", "see")
    book = {"challenges": [{**quest, "rewards": [{"points": 3}]}]}

    world, told = play(book, buy(), Enrol("ann", "c"), see, claim, buy(), see, claim, claim)
    assert told == ["ok", "ok", "ok", "ClaimNotReady", "ok", "ok", "ok", "ok"]
    assert balance(world) == (3, 3, 0, 0)

    assert [world.play(step) for step in (Wait(50), Enrol("ann", "c"))] == ["ok", "ChallengeLocked"]


def test_a_rolling_window_begins_with_the_first_fact():
    quest = {"id": "c", "window": {"days": 2}, "objectives": [{"id": "o", **BUY, "count": 3}]}

    world, _ = play({"challenges": [quest]}, buy(), Wait(47), buy(), Wait(1), buy())

    assert [window[0]["o"] for window in ann(world)["challenges"]["c"]] == [2, 1]


def test_a_standstill_is_told_once_until_there_is_a_move_again():
    quest = {"id": "c", "drop_off_hours": 24, "objectives": [{"id": "o", **BUY, "count": 9}]}
    book = {"challenges": [quest], "earn": [{"id": "e", "fact": "challenge.drop_off", "points": 1}]}

    world, _ = play(book, buy(), Wait(24), Wait(24))
    assert balance(world) == (1, 1, 0, 0)
    for step in (buy(), Wait(24)):
        world.play(step)

    assert balance(world) == (2, 2, 0, 0)


def test_an_offer_has_a_price_a_stock_and_a_limit_and_void_gives_back():
    coffee = {"id": "coffee", "price": {"points": 3}, "stock": 1}
    take = Take("ann", "coffee", pays=True)

    world, told = play(
        {"rewards": [coffee]},
        *(take, Award("ann", 5), take, take, Take("bob", "coffee")),
        *(Settle("ann", 0, "void"), Take("bob", "coffee")),
    )

    assert told == ["WouldOverdraw", "ok", "ok", "ClaimLimitReached", "OutOfStock", "ok", "ok"]
    assert balance(world) == (5, 5, 0, 0)
    assert world.seen()["stock"] == {"coffee": (2, 1)}


def test_windows_go_by_the_participants_own_zone():
    cap = {"times": 1, "per": "daily"}
    book = {"earn": [{"id": "a", **BUY, "points": 1, "cap": cap}]}

    world, _ = play(book, buy(), Describe("ann", "Pacific/Auckland"), buy(), buy())

    assert ann(world)["caps"] == {("a", "2024-05-15"): 1, ("a", "2024-05-16"): 1}


def test_a_key_is_remembered_for_a_day():
    book = {"earn": [{"id": "a", **BUY, "points": 1}]}
    step = Tell("ann", "buy", {}, key="k")

    _, told = play(book, step, step, Wait(24), step, Wait(0.5), step)

    assert told == ["ok", "again", "ok", "again", "ok", "ok"]


def test_a_curve_of_levels_is_summed_exactly_and_each_is_floored_by_itself():
    curve = {"count": 4, "first": 1, "growth": 1.5}

    found = tiers.levels({"tiers": {"levels": curve}})

    assert [at for _, _, at, *_ in found] == [1, 2, 4, 8]  # 1, 2.5, 4.75, 8.125
