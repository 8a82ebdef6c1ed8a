"""The short commands: what they print, and how they end."""

import re
import sqlite3
import time
from hashlib import sha256

import pytest
import urllib3
from click.testing import CliRunner
from tests.cli.conftest import RULEBOOK
from tests.serving import Running, environment, laurels

from laurels.api.bricqs.desk import ADMIN_SCOPES
from laurels.cli import main
from laurels.cli.identity import SCOPES


def test_keys_are_printed_once_and_stored_as_their_digest(folder):
    made = laurels("keys", "create", "--tenant", "demo", "--scope", "admin", cwd=folder)
    key = made.stdout.split()[-1]

    assert re.fullmatch(r"bq_live_admin_[0-9a-f]{32}", key)
    assert key not in laurels("keys", "list", cwd=folder).stdout
    with sqlite3.connect(folder / "laurels.db") as database:
        rows = database.execute("SELECT digest FROM api_keys").fetchall()
    database.close()
    assert rows == [(sha256(key.encode()).digest(),)]


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ([], "bq_live_part_"),
        (["--env", "test"], "bq_test_part_"),
        (["--env", "test", "--scope", "admin"], "bq_test_admin_"),
        (["--scope", "gamify:admin"], "bq_live_admin_"),
    ],
)
def test_a_key_begins_with_its_world_and_its_kind(folder, options, begins):
    run = laurels("keys", "create", "--tenant", "demo", *options, cwd=folder)

    assert re.fullmatch(begins + "[0-9a-f]{32}", run.stdout.split()[-1])


def test_every_scope_that_can_be_given_is_read(server, tmp_path):
    for scope in SCOPES:
        made = laurels("keys", "create", "--tenant", "demo", "--scope", scope, cwd=tmp_path)
        headers = {"X-API-Key": made.stdout.split()[-1]}
        reply = urllib3.request("GET", f"{server.url}/api/v1/admin/webhooks", headers=headers)

        assert reply.status == (200 if scope in ADMIN_SCOPES else 403)


def test_every_scope_that_is_read_can_be_given():
    assert set(SCOPES) == {"participant", *ADMIN_SCOPES}


def test_a_key_works_until_it_is_revoked(server, tmp_path):
    made = laurels("keys", "create", "--tenant", "demo", "--scope", "admin", cwd=tmp_path).stdout
    key_id, key = made.split()[1], made.split()[-1]
    (tmp_path / "laurels.secrets").write_text(f"LAURELS_BOOTSTRAP_API_KEY={key}\n")
    assert "total" in server.get("/api/v1/gamify/participants/ada/events")

    assert laurels("keys", "revoke", key_id, cwd=tmp_path).returncode == 0
    assert "revoked" in laurels("keys", "list", cwd=tmp_path).stdout
    begun = time.monotonic()
    while time.monotonic() < begun + 5:
        if "total" not in server.get("/api/v1/gamify/participants/ada/events"):
            return
    raise AssertionError("the key still works")


def test_an_expiring_key_shows_its_last_day(folder):
    create = ["keys", "create", "--tenant", "demo", "--expires"]

    assert laurels(*create, "2026-03-31", cwd=folder).returncode == 0
    assert "expires 2026-03-31" in laurels("keys", "list", cwd=folder).stdout
    assert laurels(*create, "tomorrow", cwd=folder).returncode == 2


def test_tenants_are_made_listed_disabled_and_enabled(folder):
    def tenants(*arguments: str) -> str:
        return laurels("tenants", *arguments, cwd=folder).stdout

    assert tenants("create", "acme") == "Created acme.\n"
    assert tenants("create", "acme") == "acme already exists.\n"
    tenants("disable", "acme")
    assert tenants("list") == "acme  disabled\ndemo\n"
    tenants("enable", "acme")
    assert tenants("list") == "acme\ndemo\n"
    assert laurels("tenants", "disable", "nobody", cwd=folder).returncode == 1
    assert laurels("tenants", "create", "No/Good", cwd=folder).returncode == 2


def test_apps_get_a_secret_and_then_another(folder):
    first = laurels("apps", "create", "web", "--tenant", "demo", cwd=folder).stdout.split()[-1]
    again = laurels("apps", "create", "web", "--tenant", "demo", cwd=folder)
    second = laurels("apps", "rotate", "web", cwd=folder).stdout.split()[-1]

    assert len(first) == len(second) == 64
    assert first != second
    assert again.returncode == 1
    assert laurels("apps", "list", cwd=folder).stdout == "web  demo/live\n"
    assert laurels("apps", "rotate", "nobody", cwd=folder).returncode == 1


def test_a_rulebook_is_checked_planned_and_applied(folder):
    check = laurels("rulebook", "check", RULEBOOK, cwd=folder)
    same = laurels("rulebook", "plan", RULEBOOK, cwd=folder)
    text = RULEBOOK.read_text("utf-8")
    (folder / "new.yaml").write_text(
        text.replace("{id: merge,", "{id: fusion,").replace("title: Surgeon", "title: Watchmaker")
    )
    plan = laurels("rulebook", "plan", "new.yaml", "--env", "live", cwd=folder)
    apply = laurels("rulebook", "apply", "new.yaml", "--env", "test", cwd=folder)

    assert check.stdout.endswith(
        "is sound: 7 earn rules, 14 badges, 12 challenges, "
        "1 streak, 2 leaderboards, 1 reward, 4 tiers.\n"
    )
    assert (same.returncode, same.stdout) == (0, "Nothing would change.\n")
    assert plan.returncode == 1
    assert plan.stdout.splitlines() == [
        "demo/live, version 1 to 2:",
        "  + earn rules: fusion",
        "  - earn rules: merge",
        "  ~ badges: surgeon",
    ]
    assert apply.stdout == "demo/test is at version 2.\n"


def test_a_bad_rulebook_names_its_lines_and_leaves_the_old_one(folder):
    (folder / "bad.yaml").write_text("earn:\n  - {id: a, event: x, points: lots}\n")

    for command in ("check", "plan", "apply"):
        run = laurels("rulebook", command, "bad.yaml", cwd=folder)
        assert run.returncode == 1
        assert "line 2, earn[0]" in run.stderr

    assert laurels("rulebook", "plan", RULEBOOK, cwd=folder).stdout == "Nothing would change.\n"
    assert laurels("rulebook", "check", "none.yaml", cwd=folder).returncode == 1


def test_verify_is_clean_and_then_finds_what_was_damaged(folder):
    event = b'{"participant_id": "ada", "event_name": "commit_landed"}\n'
    assert laurels("import", "-", cwd=folder, stdin=event).returncode == 0
    assert laurels("verify", cwd=folder).stdout == "Clean: everything adds up.\n"

    with sqlite3.connect(folder / "laurels.db") as database:
        database.execute("UPDATE postings SET amount = amount + 1")
    database.close()

    run = laurels("verify", cwd=folder)
    assert run.returncode == 1
    assert "finding" in run.stderr


def test_verify_runs_beside_a_server(server: Running, tmp_path):
    server.post("/api/v1/ingest/events", {"participant_id": "ada", "event_name": "x"})

    assert laurels("verify", cwd=tmp_path).returncode == 0


def test_config_prints_each_setting_and_where_it_came_from(tmp_path):
    secret = "p" * 40
    (tmp_path / "laurels.secrets").write_text(f"# x\nLAURELS_JWT_SECRET={secret}\n\n")
    env = environment(LAURELS_PORT="81")

    run = laurels("config", "--store", f"sqlite:{tmp_path}/a.db", cwd=tmp_path, env=env)

    assert "LAURELS_PORT=81  (environment)" in run.stdout
    assert f"LAURELS_STORE=sqlite:{tmp_path}/a.db  (flag)" in run.stdout
    assert "LAURELS_JWT_SECRET=(hidden)  (secrets file)" in run.stdout
    assert "LAURELS_HOST=127.0.0.1  (default)" in run.stdout
    assert secret not in run.stdout


def test_config_takes_what_serve_takes(tmp_path):
    given = {
        "--host": "::1",
        "--port": 81,
        "--store": "postgresql://me:hunter2@db/x",
        "--queue": "redis://:hunter2@cache",
        "--rulebook": "r.yaml",
    }
    flags = [word for pair in given.items() for word in pair]
    run = laurels("config", *flags, "--accept-data-loss", cwd=tmp_path)

    assert (run.returncode, run.stdout.count("(flag)")) == (0, len(given) + 1)
    assert "LAURELS_QUEUE=redis://:(hidden)@cache  (flag)" in run.stdout
    assert "LAURELS_ACCEPT_DATA_LOSS=on  (flag)" in run.stdout
    assert "hunter2" not in run.stdout
    serve, config = (
        {option.name for option in main.commands[name].params} for name in ("serve", "config")
    )
    assert serve == config


def test_migrate_makes_a_store_and_is_content_with_it(tmp_path):
    for _ in range(2):
        run = laurels("migrate", "--store", "sqlite:new.db", cwd=tmp_path)
        assert (run.returncode, run.stdout) == (0, "sqlite:new.db is up to date.\n")


@pytest.mark.parametrize(
    "arguments",
    [["verify"], ["keys", "list"], ["tenants", "list"], ["rulebook", "plan", RULEBOOK]],
)
def test_a_store_that_is_not_there_is_not_made_by_looking_for_it(arguments, tmp_path):
    run = laurels(*arguments, "--store", "sqlite:typo.db", cwd=tmp_path)

    assert run.returncode == 1
    assert run.stderr == "Error: There is no store at typo.db.\n"
    assert not list(tmp_path.iterdir())


def test_unknown_commands_and_options_are_wrong_usage(tmp_path):
    assert laurels("nonsense", cwd=tmp_path).returncode == 2
    assert laurels("verify", "--nonsense", cwd=tmp_path).returncode == 2
    assert laurels("--version", cwd=tmp_path).stdout.startswith("laurels 0.")
    assert laurels("verify", "--help", cwd=tmp_path).stdout.startswith("Usage:")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_helps(name):
    run = CliRunner().invoke(main, [name, "--help"])

    assert run.exit_code == 0
    assert run.stdout.startswith("Usage:")
