"""What `laurels rulebook` sees of a rulebook: every section, and every change."""

import msgspec
import pytest
from tests.serving import environment, laurels

from laurels.cli.rulebooks import PLAIN, SECTIONS, differences
from laurels.core.rulebook import Rulebook

CUP = "starts: 2026-04-01, ends: 2026-04-15"
OLD = f"""
incidents: [{{from: 2026-03-01, to: 2026-03-02}}]
campaigns: [{{id: spring, title: Spring}}]
tiers: {{by: points, levels: [{{id: silver, at: 10}}, {{id: gold, at: 20}}]}}
streaks: [{{id: daily, event: login, every: day}}]
leaderboards: [{{id: active, event: login, score: count}}]
contests: [{{id: cup, event: login, score: count, {CUP}}}]
rewards: [{{id: mug, price: {{points: 5}}}}]
webhooks: [{{source: forum, signature: standard}}]
"""


def test_every_part_of_a_rulebook_is_compared():
    fields = {field.name for field in msgspec.structs.fields(Rulebook)}

    assert {*PLAIN, *SECTIONS} == fields
    assert not {*PLAIN} & {*SECTIONS}


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("title: Spring", "title: Summer", "~ campaigns: spring"),
        ("at: 20", "at: 30", "~ tiers: gold"),
        ("every: day", "every: week", "~ streaks: daily"),
        ("id: active", "id: busy", "+ leaderboards: busy"),
        ("id: cup", "id: bowl", "- contests: cup"),
        ("points: 5", "points: 6", "~ rewards: mug"),
        ("signature: standard", "signature: github", "~ webhooks: forum"),
        ("from: 2026-03-01", "from: 2026-02-01", "- incidents: 2026-03-01T00:00:00Z to "),
        ("campaigns:", "week_starts: sunday\ncampaigns:", "~ week_starts: monday to sunday"),
        (
            "campaigns:",
            "currencies: [{id: points, expires: {days: 9}}]\ncampaigns:",
            "~ lifetimes_days: {} to {'points': 9}",
        ),
    ],
)
def test_a_change_of_any_part_has_a_line(before, after, line):
    assert before in OLD

    assert f"  {line}" in "\n".join(differences(OLD, OLD.replace(before, after)))


def test_another_measure_changes_every_tier():
    lines = list(differences(OLD, OLD.replace("by: points", "by: {event: login}")))

    assert lines == ["  ~ tiers: gold", "  ~ tiers: silver"]


def test_a_text_that_means_the_same_would_be_a_version_as_well(folder):
    (folder / "old.yaml").write_text(OLD)
    (folder / "new.yaml").write_text(f"# New\n{OLD}")
    apply = laurels("rulebook", "apply", "old.yaml", "--env", "live", cwd=folder)
    plan = laurels("rulebook", "plan", "new.yaml", "--env", "live", cwd=folder)

    assert apply.stdout == "demo/live is at version 2.\n"
    assert plan.returncode == 1
    assert plan.stdout.splitlines() == [
        "demo/live, version 2 to 3:",
        "  the text alone differs",
    ]


def test_check_counts_what_there_is(folder):
    (folder / "old.yaml").write_text(OLD)
    (folder / "empty.yaml").write_text("{}")

    assert laurels("rulebook", "check", "old.yaml", cwd=folder).stdout == (
        "old.yaml is sound: 1 campaign, 1 streak, 1 leaderboard, 1 contest, 1 reward, 2 tiers, "
        "1 webhook, 1 incident.\n"
    )
    assert laurels("rulebook", "check", "empty.yaml", cwd=folder).stdout == (
        "empty.yaml is sound, and empty.\n"
    )


def test_a_rulebook_is_for_the_bootstrap_tenant_unless_another_is_named(folder):
    env = environment(LAURELS_BOOTSTRAP_TENANT="acme")
    assert laurels("tenants", "create", "acme", cwd=folder).returncode == 0
    (folder / "a.yaml").write_text(OLD)

    plan = laurels("rulebook", "plan", "a.yaml", "--env", "live", cwd=folder, env=env)
    apply = laurels("rulebook", "apply", "a.yaml", "--env", "test", cwd=folder, env=env)

    assert plan.stdout.startswith("acme/live, version 0 to 1:\n")
    assert apply.stdout == "acme/test is at version 1.\n"
