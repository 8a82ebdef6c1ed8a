"""Leaderboards and contests of the model: every fact that scored is kept, and all is sorted."""

from dataclasses import dataclass
from fractions import Fraction

from tests.model import earning, ledger
from tests.model.days import HOUR, moment, number

MINUTE = 60 * 1000


@dataclass
class Scored:
    """One fact that moved somebody's score. One that is held counts once it is accepted."""

    board: str
    window: str
    who: str
    value: Fraction
    at: int
    segment: str | None = None
    is_held: bool = False


def measure_of(rule):
    """Return what is measured and the property it is measured by."""
    score = rule["score"]
    if score == "count" or "count" in score:
        return "count", None
    [measure] = [each for each in ("sum", "max", "latest") if each in score]
    return measure, score[measure]


def weight(rule):
    return number(rule["score"].get("weight", 1)) if isinstance(rule["score"], dict) else 1


def value_of(world, rule, fact):
    """Return what a fact scores, or None if the rule does not hear it."""
    measure, of = measure_of(rule)
    if "event" not in rule and "fact" not in rule and of in ledger.currencies(world.book):
        if fact.kind == "points.posted" and fact.data["currency"] == of:
            return Fraction(fact.data["amount"])
        return None
    if not earning.hears(rule, fact):
        return None
    value = Fraction(1) if measure == "count" else number(fact.data.get(of))
    return None if measure == "sum" and value == 0 else value


def hear(world, person, fact):
    for board in world.book.get("leaderboards", ()):
        value = value_of(world, board, fact)
        if value is not None:
            window = world.window_name(None, board.get("period", "all_time"), fact.at)
            segment = segment_of(person, board)
            new = Scored(board["id"], window, person.name, value, fact.at, segment)
            if moves(world, board, new):
                world.scored.append(new)
    for contest in world.book.get("contests", ()):
        value = value_of(world, contest, fact)
        if value is not None and not contest.get("draft"):
            compete(world, person, contest, value, fact.at)


def moves(world, board, new):
    """Say whether a fact leaves any trace: what is below a maximum, or earlier, does not."""
    mine = [
        each
        for each in world.scored
        if (each.board, each.window, each.who) == (new.board, new.window, new.who)
    ]
    return not mine or score(board, [*mine, new]) != score(board, mine)


def segment_of(person, board):
    value = person.attributes.get(board["segment"]) if "segment" in board else None
    return value if isinstance(value, str) else None


def compete(world, person, contest, value, at):
    if not moment(contest["starts"]) <= at < moment(contest["ends"]):
        return
    if contest["id"] in world.closed:
        return  # too late
    scored = Scored(contest["id"], "", person.name, value, at)
    scored.is_held = is_too_fast(world, person, contest, scored)
    world.scored.append(scored)


def is_too_fast(world, person, contest, new):
    """Say whether a fact takes the participant over a limit, where that holds it back."""
    velocity = contest.get("velocity", {})
    if velocity.get("action", "flag") == "flag":
        return False
    for limit, length in (("per_minute", MINUTE), ("per_hour", HOUR)):
        if limit not in velocity:
            continue
        rises = [
            each.value * weight(contest)
            for each in [*world.scored, new]
            if (each.board, each.who) == (contest["id"], person.name)
            if each.at // length == new.at // length and not each.is_held and each.value > 0
        ]
        if sum(rises) > number(velocity[limit]) and new.value > 0:
            return True
    return False


def review(world, person, step):
    """Let what is held of a contest count, or drop it."""
    if world.find("contests", step.contest) is None:
        raise world.refused("UnknownName")
    held = [
        each
        for each in world.scored
        if (each.board, each.who, each.is_held) == (step.contest, person.name, True)
    ]
    if not held or step.contest in world.closed:
        raise world.refused("InvalidCommand")
    for each in held:
        if step.accept:
            each.is_held = False
        else:
            world.scored.remove(each)


# Scores and ranks.


def score(rule, scored):
    """Return the score that some facts come to, and the moment that decides ties."""
    measure, _ = measure_of(rule)
    if measure == "latest":
        at, value = max((each.at, each.value) for each in scored)
        return value * weight(rule), at
    if measure == "max":
        value = max(each.value for each in scored)
        return value * weight(rule), min(each.at for each in scored if each.value == value)
    return sum(each.value for each in scored) * weight(rule), max(each.at for each in scored)


def scores(world, rule, window):
    """Return (score, reached at, participant, segment) of all who scored, best first."""
    scored = [
        each
        for each in world.scored
        if (each.board, each.window) == (rule["id"], window) and not each.is_held
    ]
    found = []
    for who in {each.who for each in scored}:
        mine = [each for each in scored if each.who == who]
        found.append((*score(rule, mine), who, mine[-1].segment))
    return sorted(found, key=lambda each: (-each[0], each[1], each[2]))


def ranked(rule, sorted_scores):
    """Return (participant, rank, score, reached at), best first."""
    ties = rule.get("ties", "earliest")
    values = [value for value, *_ in sorted_scores]
    found = []
    for place, (value, reached_at, who, _) in enumerate(sorted_scores, 1):
        rank = {
            "earliest": place,
            "shared": values.index(value) + 1,
            "dense": len({other for other in values if other > value}) + 1,
        }[ties]
        found.append((who, rank, value, reached_at))
    return found


def close(world, contest, at):
    """Fix the standings, and send the prizes out rank by rank while they stay below the limit."""
    standings = ranked(contest, scores(world, contest, ""))
    world.closed.append(contest["id"])
    paid = 0
    for who, rank, *_ in standings:
        rewards = prize_for(contest, rank)
        paid += points_in(world, rewards)
        if paid > contest.get("max_liability", paid):
            return
        if rewards is not None:
            person = world.person(who)
            world.emit("contest.prize", at, contest=contest["id"], rank=rank)
            earning.pay(world, person, rewards, rule=contest["id"], at=at)
            world.drain(person)


def prize_for(contest, rank):
    for prize in contest.get("prizes", ()):
        first, _, last = str(prize["ranks"]).partition("-")
        if int(first) <= rank <= int(last or first):
            return prize["rewards"]
    return None


def points_in(world, rewards):
    """Add up what rewards pay in the first currency."""
    credits_ = [
        earning.credit_of(world, each)
        for each in rewards or ()
        if "points" in each or "currency" in each
    ]
    first = ledger.known(world, None)
    return sum(amount for currency, amount in credits_ if currency == first)


def close_contests(world):
    """Close what is over, and its grace too."""
    for contest in world.book.get("contests", ()):
        over = moment(contest["ends"]) + contest.get("grace_hours", 1) * HOUR <= world.now
        if over and not contest.get("draft") and contest["id"] not in world.closed:
            close(world, contest, world.now)


def seen(world):
    """Return the whole ranking of every window of every board, and of its segments."""
    rankings = {}
    for rule in (*world.book.get("leaderboards", ()), *world.book.get("contests", ())):
        for window in {each.window for each in world.scored if each.board == rule["id"]}:
            everybody = scores(world, rule, window)
            if everybody:
                rankings[rule["id"], window, None] = ranked(rule, everybody)
            for segment in {each[3] for each in everybody} - {None}:
                some = [each for each in everybody if each[3] == segment]
                rankings[rule["id"], window, segment] = ranked(rule, some)
    return rankings
