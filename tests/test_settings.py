"""Settings: which place wins, and what a bad value is told."""

import pytest

from laurels.settings import (
    FIELDS,
    SECRETS,
    SettingRefused,
    read,
    shown,
    without_password,
)

SECRET = "s" * 32


def test_a_flag_wins_over_the_environment_over_a_kept_secret_over_the_default():
    environment = {"LAURELS_PORT": "81", "LAURELS_HOST": "0.0.0.0"}
    kept = {"LAURELS_JWT_SECRET": SECRET, "LAURELS_HOST": "never"}

    settings, sources = read(environment, {"port": 82}, kept)

    assert (settings.port, sources["port"]) == (82, "flag")
    assert (settings.host, sources["host"]) == ("0.0.0.0", "environment")
    assert (settings.jwt_secret, sources["jwt_secret"]) == (SECRET, "secrets file")
    assert (settings.store, sources["store"]) == ("sqlite:laurels.db", "default")


def test_an_empty_variable_counts_as_none():
    assert read({"LAURELS_PORT": "", "LAURELS_RULEBOOK": ""}).settings == read({}).settings


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LAURELS_PORT", "x", "LAURELS_PORT must be a whole number from 0 to 65535, not 'x'."),
        ("LAURELS_PORT", "65536", "LAURELS_PORT must be a whole number from 0 to 65535"),
        ("LAURELS_PORT", "1.5", "LAURELS_PORT must be a whole number"),
        ("LAURELS_MIGRATE", "maybe", "LAURELS_MIGRATE must be on or off, not 'maybe'."),
        ("LAURELS_LOG_LEVEL", "loud", "LAURELS_LOG_LEVEL must be debug, info, warning or error"),
        ("LAURELS_RATE_LIMIT_KEY", "-1", "LAURELS_RATE_LIMIT_KEY must be a whole number"),
        ("LAURELS_BOOTSTRAP_TENANT", "a/b", "LAURELS_BOOTSTRAP_TENANT must be 1 to 64"),
        ("LAURELS_BOOTSTRAP_TENANT", "a\n", "LAURELS_BOOTSTRAP_TENANT must be 1 to 64"),
        ("LAURELS_JWT_SECRET", "s" * 31, "LAURELS_JWT_SECRET must be at least 32 bytes"),
        ("LAURELS_QUEUE", "redis:6379", "LAURELS_QUEUE must be a Redis such as redis://host"),
        ("LAURELS_QUEUE", "redis://host:port", "LAURELS_QUEUE must be a Redis such as"),
        ("LAURELS_QUEUE_BACKLOG_MAX", "0", "LAURELS_QUEUE_BACKLOG_MAX must be a whole number"),
        ("LAURELS_QUEUE_DOWN", "drop", "LAURELS_QUEUE_DOWN must be refuse or store, not 'drop'."),
        ("LAURELS_ACCEPT_DATA_LOSS", "2", "LAURELS_ACCEPT_DATA_LOSS must be on or off, not '2'."),
        ("LAURELS_BOOTSTRAP_API_KEY", "bq_live_1", "LAURELS_BOOTSTRAP_API_KEY must be bq_live_"),
    ],
)
def test_a_bad_value_is_told_by_name_with_what_is_expected(name, value, told):
    with pytest.raises(SettingRefused) as refused:
        read({name: value})

    assert told in str(refused.value)


def test_every_source_of_webhooks_has_secrets_of_its_own():
    other = "t" * 32
    reading = read(
        {"LAURELS_WEBHOOK_SECRET_STRIPE": f"{SECRET}, {other}", "LAURELS_WEBHOOK_SECRET_X": ""},
        None,
        {"LAURELS_WEBHOOK_SECRET_STRIPE": other, "LAURELS_WEBHOOK_SECRET_MY_SHOP": other},
    )

    assert reading.settings.webhook_secrets == {"STRIPE": (SECRET, other), "MY_SHOP": (other,)}
    assert reading.sources["webhook_secret_stripe"] == "environment"
    assert reading.sources["webhook_secret_my_shop"] == "secrets file"
    assert shown(reading, "webhook_secret_stripe") == "(hidden)"
    assert read({"LAURELS_WEBHOOK_SECRET_": SECRET}).settings.webhook_secrets == {}


@pytest.mark.parametrize("text", ["hunter2", f"{SECRET},", f"{SECRET},hunter2", f",{SECRET}"])
def test_a_webhook_secret_that_is_too_short_is_refused_and_not_printed(text):
    with pytest.raises(SettingRefused) as refused:
        read({"LAURELS_WEBHOOK_SECRET_STRIPE": text})

    assert "a comma-separated list of secrets of at least 32 bytes each." in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_bad_flag_is_told_as_a_flag():
    with pytest.raises(SettingRefused, match="--port must be"):
        read({}, {"port": 70_000})


def test_a_refused_secret_is_not_printed():
    with pytest.raises(SettingRefused) as refused:
        read({"LAURELS_JWT_SECRET": "hunter2"})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LAURELS_JWT_SECRET", "change-me-change-me-change-me-change-me"),
        ("LAURELS_JWT_SECRET", "your-256-bit-secret-your-256-bit-secret"),
        ("LAURELS_JWT_SECRET", "REPLACE_THIS_WITH_A_LONG_RANDOM_STRING"),
        ("LAURELS_JWT_SECRET_PREVIOUS", "Please ChangeMe before production use!"),
        ("LAURELS_BOOTSTRAP_APP_SECRET", "insert a secret of 32 bytes or more here"),
        ("LAURELS_BOOTSTRAP_APP_SECRET", "default-secret-for-development-only"),
        ("LAURELS_BOOTSTRAP_APP_SECRET", "0" * 64),
        ("LAURELS_BOOTSTRAP_API_KEY", "bq_live_admin_" + "0" * 32),
        ("LAURELS_BOOTSTRAP_API_KEY", "bq_live_admin_" + 2 * "0123456789abcdef"),
    ],
)
def test_a_secret_that_stands_in_examples_is_refused_by_name(name, text):
    with pytest.raises(SettingRefused) as refused:
        read({name: text})

    assert str(refused.value).startswith(f"{name} is a placeholder that anybody can guess")
    assert text not in str(refused.value)


def test_a_secret_may_end_like_no_placeholder():
    for text in ("f" * 30 + "_0", "1" * 32 + "0123456789abcdef", "exchange" * 4):
        assert read({"LAURELS_JWT_SECRET": text}).settings.jwt_secret == text


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql://u:hunter2@db:5432/x", "postgresql://u:(hidden)@db:5432/x"),
        ("postgresql://u:hunter%32@db,[::1]:5/x?a=b", "postgresql://u:(hidden)@db,[::1]:5/x?a=b"),
        ("postgresql:///?host=/tmp", "postgresql:///?host=/tmp"),
        ("postgresql://u@a:1,b:2/x?password=hunter2", "postgresql://u@a:1,b:2/x?password=(hidden)"),
        ("postgresql:///x?sslpassword=hunter2&a=b", "postgresql:///x?sslpassword=(hidden)&a=b"),
        ("redis://:hunter2@cache:6379/0", "redis://:(hidden)@cache:6379/0"),
        ("rediss://cache?password=hunter2", "rediss://cache?password=(hidden)"),
        ("redis://[::1]:6379", "redis://[::1]:6379"),
        ("sqlite:/var/lib/laurels.db", "sqlite:/var/lib/laurels.db"),
    ],
)
def test_a_password_inside_a_url_is_not_shown(url, printed):
    name = "queue" if url.startswith("redis") else "store"

    assert shown(read({f"LAURELS_{name.upper()}": url}), name) == printed


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("queue", "redis://:hunt er2@cache"),
        ("store", "postgresql://u:hunt er2@db/x"),
        ("store", "postgresql://u:hunt/er2@db/x"),
        ("store", "postgresql://u:hunt?er2@db/x"),
        ("store", "postgresql://u:hunt%er2@db/x"),
        ("store", "postgresql://u:hunt@er2@db/x"),
        ("store", "postgresql://u:hunter2@[db/x"),
        ("store", "postgresql://db/x?password=hunt%er2"),
        ("store", "postgres:u:hunter2@db/x"),
    ],
)
def test_a_url_that_nobody_can_read_is_not_printed_since_it_may_have_a_password(name, url):
    with pytest.raises(SettingRefused, match="must be a") as refused:
        read({f"LAURELS_{name.upper()}": url})

    assert "er2" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://u:hunt/er2@1@db/x", "redis:u:hunter2@db"])
def test_a_password_is_found_in_whatever_looks_like_a_url(url):
    assert "er2" not in without_password(url)


@pytest.mark.parametrize(("text", "read_as"), [("1", "on"), ("0", "off"), ("on", "on")])
def test_what_is_on_or_off_may_be_a_digit(text, read_as):
    settings = read({"LAURELS_ACCEPT_DATA_LOSS": text, "LAURELS_MIGRATE": text}).settings

    assert (settings.accept_data_loss, settings.migrate) == (read_as, read_as)


def test_a_text_that_means_nothing_elsewhere_is_a_text_here():
    assert read({"LAURELS_RULEBOOK": "null"}).settings.rulebook == "null"


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "bootstrap_api_key"])
def test_secrets_are_not_shown(name):
    reading = read({f"LAURELS_{name.upper()}": SECRET})

    assert shown(reading, name) == "(hidden)"
    assert shown(read({}), name) == "(not set)"


def test_all_that_sounds_secret_is_one():
    sounds = ("secret", "api_key", "recommender_key")
    secret = {name for name in FIELDS if any(word in name for word in sounds)}
    assert secret == set(SECRETS)
