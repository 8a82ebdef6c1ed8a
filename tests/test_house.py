"""The house rules that no other tool holds. Each test names every place that breaks its rule."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

import laurels
from laurels.cli import main

ROOT: Final = Path(__file__).parents[1]
SRC: Final = ROOT / "src" / "laurels"

FUNCTION_LINES_MAX: Final = {"core": 40, "elsewhere": 50}
FILE_LINES_MAX: Final = 400
TEST_FILE_LINES_MAX: Final = 600
PARAMETERS_MAX: Final = 5

TAKES_A_ROW: Final = {"to_remembered": "its parameters are the columns of one statement"}
"""Functions with more parameters than others may have, and why."""

UNUSED_WORDS: Final = frozenset(
    [
        *("manager", "helper", "helpers", "util", "utils", "common", "misc"),
        *("impl", "processor", "dto", "abstract"),
    ]
)
"""Words that say nothing about what a thing does."""

ABOUT_ALL_TENANTS: Final = {
    "create_tenant": "makes one",
    "all_tenants": "is the operator's list of them",
    "set_disabled": "is about the tenant itself, by its name",
    "is_disabled": "is asked by the name of one world",
    "put_app": "binds an app to its tenant",
    "find_app": "tells whose app it is",
    "all_apps": "is the operator's list",
    "find_key": "tells whose key it is",
    "put_key": "binds a key to its tenant",
    "all_keys": "is the operator's list",
    "revoke_key": "is about a key by its own id",
    "all_worlds": "tells verify where to look",
    "worlds_with_rulebooks": "tells the scheduler where to look",
    "participants_due": "is the scheduler's, who looks after all of them",
    "revocations_after": "tells the watcher of all of them",
    "forget_revocations": "goes by the time alone",
    "put_installation": "names the store itself, with all tenants",
    "installation": "tells which store this is",
    "next_unmerged": "finds the tenant whose turn it is",
    "lock_named": "has the tenant in the name",
    "lock_named_shared": "has the tenant in the name",
}
"""Statements that bind no `:tenant` as the world whose data they touch, and why."""

TABLES_ABOUT_TENANTS: Final = {
    "tenants": "is the list of them",
    "apps": "is asked before the tenant is known",
    "api_keys": "is asked before the tenant is known",
    "installation": "is the store itself, with all tenants",
}
"""Tables whose primary key does not begin with the tenant, and why."""


def python_files() -> list[Path]:
    folders = [SRC, ROOT / "tests", ROOT / "bench"]
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A docstring is free: nobody should save words to fit a limit."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    saved = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - saved


def statements() -> list[tuple[str, str]]:
    """Every statement by its name, once for each database that has words of its own for it."""
    found: list[tuple[str, str]] = []
    for file in sorted((SRC / "store" / "sql").glob("*.sql")):
        heading = r"^-- name: (\w+)(?: \(\w+\))?$"
        _, *parts = re.split(heading, file.read_text("utf-8"), flags=re.MULTILINE)
        texts = (re.sub(r"^--.*\n", "", text, flags=re.MULTILINE) for text in parts[1::2])
        found += zip(parts[::2], texts, strict=True)
    return found


def names() -> set[str]:
    return {name for name, _ in statements()}


def test_functions_are_short():
    long = [
        f"{name_of(file)}: {function.name} has {length(function)} lines"
        for file in python_files()
        for function in functions(file)
        if length(function)
        > FUNCTION_LINES_MAX["core" if (SRC / "core") in file.parents else "elsewhere"]
    ]

    assert not long


def test_files_are_of_a_size_to_be_read():
    long: list[str] = []
    for file in python_files():
        most = TEST_FILE_LINES_MAX if ROOT / "tests" in file.parents else FILE_LINES_MAX
        lines = len(file.read_text("utf-8").splitlines())
        if lines > most:
            long.append(f"{name_of(file)} has {lines} lines")

    assert not long


def test_parameters_are_few_and_like_ones_are_named():
    """Five by position at most; more, and neighbours of one plain type, by keyword only."""
    wrong: list[str] = []
    for file in (file for file in python_files() if SRC in file.parents):
        for function in functions(file):
            positional = [
                arg
                for arg in [*function.args.posonlyargs, *function.args.args]
                if arg.arg not in ("self", "cls")
            ]
            if len(positional) > PARAMETERS_MAX and function.name not in TAKES_A_ROW:
                wrong.append(f"{name_of(file)}: {function.name} takes {len(positional)}")
            plain = [
                ast.unparse(arg.annotation)
                for arg in positional
                if arg.annotation and ast.unparse(arg.annotation) in ("bool", "float")
            ]
            if len(plain) != len(set(plain)):
                wrong.append(f"{name_of(file)}: {function.name} takes two alike: {plain}")

    assert not wrong


def test_every_module_says_what_it_is_for():
    silent = [
        name_of(file)
        for file in python_files()
        if ast.get_docstring(ast.parse(file.read_text("utf-8"))) is None
        and not (file.name == "__init__.py" and not file.read_text("utf-8").strip())
    ]

    assert not silent


def test_the_newest_entry_of_the_changelog_is_this_version():
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert newest
    assert newest[1] == laurels.__version__


def test_every_statement_is_used():
    code = "\n".join(
        file.read_text("utf-8") for file in (*SRC.rglob("*.py"), *(ROOT / "bench").rglob("*.py"))
    )
    # Rows that are inserted are copied where they are many.
    calls = {name: {name, re.sub(r"^copy_", "insert_", name)} for name in names()}
    unused = sorted(
        name for name, either in calls.items() if not any(f'"{call}"' in code for call in either)
    )

    assert not unused


BINDS_A_TENANT: Final = (
    re.compile(r"\btenant = :tenant\b"),
    re.compile(r"\(tenant, [^)]*\)\s+(VALUES \(:tenant,|SELECT :tenant\b)"),
    # Rows of many participants in one step: the tenant is the first value of each.
    re.compile(r"\(tenant, [^)]*\)\s+(FROM STDIN|SELECT r ->> 0,)"),
    re.compile(r"\btenant = r ->> 0"),
)


def test_every_statement_is_about_one_tenant():
    unbound = {
        name for name, sql in statements() if not any(each.search(sql) for each in BINDS_A_TENANT)
    }

    assert unbound == ABOUT_ALL_TENANTS.keys()


def test_every_exception_for_a_statement_is_needed():
    assert ABOUT_ALL_TENANTS.keys() <= names()


def first_of_keys() -> Iterator[tuple[str, str | None]]:
    """Every table, and what its primary key begins with."""
    for file in sorted((SRC / "store" / "migrations").rglob("*.sql")):
        text = re.sub(r"--.*", "", file.read_text("utf-8"))
        for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", text, re.DOTALL):
            key = re.search(r"PRIMARY KEY \((\w+)|^\s*(\w+)[^,]*PRIMARY KEY", body, re.MULTILINE)
            # Where the key is of a digest, it is an index beside the table.
            key = key or re.search(rf"CREATE UNIQUE INDEX ({table})_key ON \1\s+\((\w+)", text)
            yield table, key and (key[2] or key[1])


def test_every_table_begins_its_key_with_the_tenant():
    others = {table for table, first in first_of_keys() if first != "tenant"}

    assert others == TABLES_ABOUT_TENANTS.keys()


def test_every_command_is_documented():
    docs = (ROOT / "docs" / "commands.md").read_text("utf-8")
    missing: list[str] = []
    for name, command in main.commands.items():
        if not isinstance(command, click.Group):
            missing += [] if f"`laurels {name}" in docs else [name]
            continue
        # The commands of a group stand in rows of their own, or together in one.
        told = re.findall(rf"`laurels {name} ([\w\\|]+)", docs)
        listed = {each for words in told for each in words.split("\\|")}
        missing += [f"{name} {each}" for each in command.commands.keys() - listed]

    assert not missing


def test_whatever_is_left_to_do_has_its_issue():
    bare = [
        f"{name_of(file)}:{number}"
        for file in python_files()
        if file != Path(__file__)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if re.search(r"#.*\b(TODO|FIXME|XXX)\b(?! #\d+)", line)
    ]

    assert not bare


def test_names_say_something():
    empty = [
        f"{name_of(file)}: {name}"
        for file in python_files()
        if SRC in file.parents
        for name in [file.stem, *defined(file)]
        if UNUSED_WORDS & set(words(name))
    ]

    assert not empty


def defined(file: Path) -> list[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]


def test_decisions_are_numbered_without_gaps():
    numbers = [int(file.name[:4]) for file in sorted((ROOT / "docs" / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    reasons = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text("utf-8")
    names = [re.split(r"[\[<>=~ ]", want)[0] for want in wanted]

    assert not [name for name in names if name not in reasons]


def test_the_house_rules_are_short():
    assert len((ROOT / "STYLE.md").read_text("utf-8").splitlines()) <= 120
