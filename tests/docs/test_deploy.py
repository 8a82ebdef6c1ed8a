"""What lies in deploy/ fits the program: its commands, settings, ports, paths and files.

No container engine is needed: what it would do is done by hand, as far as it is about us.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML
from tests.servers import RedisServer
from tests.serving import Running, environment

from laurels import settings, wiring
from laurels.cli import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
IGNORED = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
RUNNING = (ROOT / "docs" / "operating" / "running.md").read_text("utf-8")
PYTHON = Path(sys.executable)
GRACE_S = 10
"""How long a stop may take, as docs/commands.md says."""

SHIPPED = {".sql", ".lua", ".html", ".yaml"}
"""What else than code the program reads from its own folder."""


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.*?)$", DOCKERFILE, re.MULTILINE)


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def check_command(words: Sequence[str]) -> None:
    """Let click read a command line without running it."""
    context = click.Context(main, info_name="laurels")
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group):
        name, command_or_none, rest = command.resolve_command(context, rest)
        assert command_or_none, name
        command = command_or_none
    command.make_context(command.name, rest)


def check_settings(variables: dict[str, str]) -> settings.Settings:
    ours = {name: text for name, text in variables.items() if name.startswith(settings.PREFIX)}
    known = {settings.variable(name) for name in settings.FIELDS}
    unknown = {
        name for name in ours.keys() - known if not name.startswith("LAURELS_WEBHOOK_SECRET_")
    }
    assert not unknown
    return settings.read(ours).settings


# The image.


def test_the_image_runs_a_real_command():
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")[-1:]

    assert json.loads(entry) == ["laurels"]
    check_command(json.loads(command))


def test_the_image_has_sound_settings():
    in_force = check_settings(image_environment())

    assert in_force.host == "0.0.0.0"
    assert instructions("EXPOSE") == [str(in_force.port)]
    assert wiring.store_path(in_force.store).parent == Path(instructions("VOLUME")[0])
    assert instructions("WORKDIR")[-1] == instructions("VOLUME")[0]


def test_the_image_is_nobody_in_particular():
    (user,) = instructions("USER")

    assert f"--uid {user.split(':')[0]} " in DOCKERFILE
    assert DOCKERFILE.index("\nUSER") < DOCKERFILE.index("\nVOLUME")


def test_images_come_from_no_private_place():
    compose = [service["image"] for service in read_compose(GIVEN)["services"].values()]
    images = {line.split()[0] for line in instructions("FROM")} | set(compose)

    assert all(re.fullmatch(r"[a-z]+(:[\w.-]+)?", image) for image in images)
    assert all(image.startswith("python:3.11-slim") for image in images if "python" in image)


def copied() -> list[str]:
    """Paths in this repository that the first stage takes."""
    lines = [line.split() for line in instructions("COPY") if not line.startswith("--from")]
    return [path for line in lines for path in line[:-1]]


def test_what_is_copied_exists_and_is_sent_to_the_builder():
    assert copied()
    for path in copied():
        assert (ROOT / path).exists()
        assert f"!{path}" in IGNORED
    assert IGNORED[1] == "*"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the image does, from what the image has, but with the tools that are here."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    for path in copied():
        if (ROOT / path).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / path, source / path, ignore=ignore)
        else:
            shutil.copy(ROOT / path, source / path)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "wheels", source)
    (built,) = (folder / "wheels").glob("*.whl")
    return built


def pip(*words: object) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    command = [PYTHON, "-m", "pip", *words, *quiet]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_has_everything_that_is_read_at_run_time(wheel: Path):
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "laurels").rglob("*")
        if path.suffix in {".py", *SHIPPED}
    }
    names = set(zipfile.ZipFile(wheel).namelist())

    assert wanted <= names
    assert {Path(name).suffix for name in wanted} == {".py", *SHIPPED}
    assert not [name for name in names if name.startswith(("tests", "bench", "docs"))]


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The program in an environment of its own, put there as in the image."""
    place = wheel.parent / "env"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", place], check=True, timeout=60)
    more = ("--no-index", "--find-links", wheel.parent)
    pip("--python", place, "install", "--no-deps", *more, "laurels")
    return place / "bin" / "laurels"


def health_check() -> list[str]:
    (check,) = instructions("HEALTHCHECK")
    interpreter, *words = json.loads(check.partition(" CMD ")[2])
    assert interpreter == "python"
    return [str(PYTHON), *words]


def checked(port: str) -> int:
    env = environment(LAURELS_PORT=port, http_proxy="http://127.0.0.1:9")
    return subprocess.run(
        health_check(), env=env, capture_output=True, check=False, timeout=30
    ).returncode


def test_the_installed_program_serves_and_the_health_check_sees_it(installed: Path, tmp_path: Path):
    libraries = sysconfig.get_path("purelib")
    env = environment(PYTHONPATH=libraries, LAURELS_STORE="sqlite:laurels.db", LAURELS_PORT="0")
    with Running(
        *json.loads(instructions("CMD")[-1]), cwd=tmp_path, env=env, by=[str(installed)]
    ) as it:
        port = it.url.rpartition(":")[2]
        where = Path(f"/proc/{it.process.pid}/cmdline")
        assert not where.exists() or str(installed.parent) in where.read_text("utf-8")
        assert checked(port) == 0
        assert it.stop() == 0

    assert checked(port) != 0


def test_the_installed_program_is_the_one_of_the_wheel(installed: Path):
    env = environment(PYTHONPATH=sysconfig.get_path("purelib"))
    python = installed.with_name("python")
    where = [python, "-c", "import laurels; print(laurels.__file__)"]
    said = subprocess.run(where, env=env, capture_output=True, text=True, check=True, timeout=30)

    assert said.stdout.startswith(str(installed.parents[1]))


# Compose.

GIVEN = {
    "POSTGRES_PASSWORD": "a" * 64,
    "REDIS_PASSWORD": "b" * 64,
    "LAURELS_JWT_SECRET": "c" * 64,
    "LAURELS_BOOTSTRAP_APP_SECRET": "d" * 64,
    "LAURELS_BOOTSTRAP_API_KEY": "bq_live_admin_" + "e" * 32,
}
OPTIONAL = {"LAURELS_MIGRATE": "off"}
"""What may be missing in .env, and reaches our own all the same."""


def read_compose(given: dict[str, str]) -> Any:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    filled = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: given.get(match[1], "?"), text)
    for name in OPTIONAL:
        filled = filled.replace(f"${{{name}:-}}", given.get(name, ""))
    assert "${" not in filled, "a value without which compose would start"
    return YAML(typ="safe", pure=True).load(filled)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return read_compose(GIVEN)["services"]


def ours(services: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Our own services, each with the command that it runs."""
    default = json.loads(instructions("CMD")[-1])
    for name, service in services.items():
        if service["image"] == "laurels":
            yield name, service, service.get("command", default)


def test_there_are_two_servers_two_workers_and_what_they_stand_on(services):
    commands = sorted(command for _, _, command in ours(services))

    assert commands == [["serve"], ["serve"], ["work"], ["work"]]
    assert services.keys() > {"postgres", "redis"}
    assert int(services["postgres"]["image"].partition(":")[2]) >= 15


def test_all_settings_in_compose_are_real_and_the_same_for_like_processes(services):
    environments = [service["environment"] for _, service, _ in ours(services)]
    for each in environments:
        check_settings(image_environment() | each)

    stores = {(each["LAURELS_STORE"], each["LAURELS_QUEUE"]) for each in environments}
    serving = [
        service["environment"] for _, service, command in ours(services) if "serve" in command
    ]
    assert len(stores) == 1
    assert serving[0] == serving[1]
    assert GIVEN.items() >= {name: serving[0][name] for name in GIVEN if name in serving[0]}.items()


def test_what_is_optional_reaches_every_process_of_ours():
    with_all = read_compose(GIVEN | OPTIONAL)["services"]
    for _, service, _ in ours(with_all):
        assert OPTIONAL.items() <= service["environment"].items()
        assert check_settings(service["environment"]).migrate == "off"


def test_all_commands_in_compose_are_real(services):
    for _, _, command in ours(services):
        check_command(command)


def test_urls_in_compose_lead_to_services_and_their_passwords(services):
    where = next(service["environment"] for _, service, _ in ours(services))
    postgres, redis = services["postgres"], services["redis"]
    about = postgres["environment"]

    assert where["LAURELS_STORE"] == (
        f"postgresql://{about['POSTGRES_USER']}:{about['POSTGRES_PASSWORD']}@postgres:5432"
        f"/{about['POSTGRES_DB']}"
    )
    assert where["LAURELS_QUEUE"] == f"redis://:{redis['command'][-1]}@redis:6379/0"
    assert "UTF8" in about["POSTGRES_INITDB_ARGS"]


def test_ports_agree_and_are_not_open_to_the_world(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports
    for port in ports:
        address, published, inside = port.split(":")
        assert address == "127.0.0.1"
        assert inside == instructions("EXPOSE")[0]
        assert f"127.0.0.1:{published}" in RUNNING


def test_ours_get_the_time_to_stop_and_are_started_again(services):
    for _, service, _ in ours(services):
        assert seconds(service["stop_grace_period"]) > GRACE_S
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    assert {service["restart"] for service in services.values()} == {"unless-stopped"}


def test_whoever_is_waited_for_can_say_that_it_is_ready(services):
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            has_own = "test" in services[name].get("healthcheck", {})
            serves = any(name == server and "serve" in does for server, _, does in ours(services))
            assert has_own or serves
    for _, service, command in ours(services):
        assert (service.get("healthcheck") == {"disable": True}) == ("work" in command)


def test_volumes_are_declared(services):
    declared = read_compose(GIVEN)["volumes"]
    used = {volume.split(":")[0] for s in services.values() for volume in s.get("volumes", [])}

    assert used == set(declared)


def test_redis_in_compose_is_one_that_we_start_on(services, redis_server_of):
    program, *flags = services["redis"]["command"]
    assert program == "redis-server"
    url = redis_server_of(dict(zip(flags[::2], flags[1::2], strict=True)))
    verdict = wiring.judge_servers(settings.Settings(queue=url), 2_000_000_000_000)
    verdict.check(accepts_loss=False)

    assert not verdict.warnings
    assert verdict.durability() == "buffered"


@pytest.fixture
def redis_server_of() -> Iterator[Any]:
    with ExitStack() as stack:

        def start(flags: dict[str, str]) -> str:
            named: dict[str, Any] = {
                name.removeprefix("--").replace("-", "_"): flags[name] for name in flags
            }
            return stack.enter_context(RedisServer(**named)).url

        yield start


# The environment files.


def example(file: Path) -> dict[str, str]:
    lines = file.read_text("utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    return dict(pairs)


def test_the_example_for_compose_names_what_compose_wants_and_has_no_values():
    text = (DEPLOY / "compose.yaml").read_text("utf-8")

    assert example(DEPLOY / ".env.example").keys() == set(re.findall(r"\$\{(\w+)", text))
    assert set(example(DEPLOY / ".env.example").values()) == {""}
    assert example(DEPLOY / ".env.example").keys() == GIVEN.keys() | OPTIONAL.keys()


def test_the_command_that_makes_the_environment_makes_a_sound_one(tmp_path: Path):
    (block,) = [
        block for block in re.findall(r"```sh\n(.*?)```", RUNNING, re.DOTALL) if "openssl" in block
    ]
    subprocess.run(["sh", "-euc", block], cwd=tmp_path, check=True, timeout=30)
    made = example(tmp_path / ".env")

    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert made.keys() == GIVEN.keys()
    for service in read_compose(made)["services"].values():
        if service["image"] == "laurels":
            check_settings(service["environment"])


def test_the_environment_of_systemd_is_sound():
    file = DEPLOY / "systemd" / "laurels.env.example"
    check_settings(example(file))
    commented = re.findall(r"^# (LAURELS_\w+)=(\S*)", file.read_text("utf-8"), re.MULTILINE)
    values: dict[str, str] = {name: GIVEN.get(name) or text for name, text in commented}

    assert check_settings(values).queue


# systemd.

HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
}


class Unit(configparser.ConfigParser):
    """Keys keep their capitals, and stand once."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def read_unit(file: Path) -> configparser.ConfigParser:
    unit = Unit(strict=True, interpolation=None)
    unit.read_string(file.read_text("utf-8"))
    return unit


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_runs_a_real_command_and_waits_for_its_end(file: Path):
    service = read_unit(file)["Service"]
    program, *words = service["ExecStart"].split()
    check_command(words)

    assert read_unit(file)["Unit"]["StartLimitIntervalSec"] == "0"
    assert program in RUNNING
    assert service["EnvironmentFile"] in RUNNING
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > GRACE_S
    assert {name: service[name] for name in HARDENED} == HARDENED
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    name, _, value = service.get("Environment", "LAURELS_LOG_LEVEL=info").partition("=")
    in_force = check_settings({name: value})
    if name == "LAURELS_STORE":
        assert str(wiring.store_path(in_force.store).parent) == service["WorkingDirectory"]
    assert f"useradd --system --user-group --home-dir {service['WorkingDirectory']}" in RUNNING


def test_there_is_a_unit_for_a_server_and_one_for_any_number_of_workers():
    assert [file.name for file in UNITS] == ["laurels-work@.service", "laurels.service"]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and os.environ.get("CI") != "true",
    reason="there is no systemd-analyze; what it checks is checked by key above",
)
def test_systemd_understands_the_units(tmp_path: Path):
    for file in UNITS:
        text = file.read_text("utf-8").replace("/opt/laurels/bin/laurels", str(PYTHON))
        (tmp_path / file.name.replace("@.", "@1.")).write_text(text, "utf-8")
    units = sorted(map(str, tmp_path.iterdir()))
    run = ["systemd-analyze", "verify", "--man=no", *units]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=30)

    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert (done.returncode, said) == (0, [])


# The pages.


def pages() -> Iterator[tuple[str, str]]:
    names = ("running.md", "backup.md", "sizing.md", "scale.md")
    for name in names:
        yield name, (ROOT / "docs" / "operating" / name).read_text("utf-8")


def printed_commands() -> Iterator[Any]:
    """Every command line of ours in the blocks of the pages."""
    for name, page in pages():
        blocks = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", page, re.DOTALL))
        lines = re.findall(r"(?:^|/bin/)laurels (.+)", blocks, re.MULTILINE)
        lines += re.findall(r"--no-deps serve-1 ([a-z].*)`", page)
        for line in lines:
            yield pytest.param(line, id=f"{name}: {line}")


@pytest.mark.parametrize("line", list(printed_commands()))
def test_a_printed_command_is_real(line: str):
    check_command(shlex.split(line))


def test_commands_that_the_text_speaks_of_are_there():
    for _, page in pages():
        for line in re.findall(r"`laurels ([a-z][^`]*)`", page):
            assert line.split()[0] in main.commands


def test_printed_settings_are_real():
    known = {settings.variable(name) for name in settings.FIELDS} | {"LAURELS_WEBHOOK_SECRET_"}
    for _, page in pages():
        assert set(re.findall(r"LAURELS_[A-Z_]+", page)) <= known


def test_printed_metrics_are_real():
    source = (ROOT / "src" / "laurels" / "api" / "metrics.py").read_text("utf-8")
    for _, page in pages():
        for name in re.findall(r"\blaurels_[a-z_]+\b", page):
            assert f'"{re.sub("_(bucket|total|count|sum)$", "", name)}"' in source


def test_links_lead_somewhere():
    for name, page in pages():
        for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", page):
            assert (ROOT / "docs" / "operating" / (target or name)).exists(), (name, target)


def test_anchors_are_headings():
    for name, page in pages():
        for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]*)\)", page):
            text = (ROOT / "docs" / "operating" / (target or name)).read_text("utf-8")
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in headings]
            assert anchor in slugs, (name, target, anchor)
