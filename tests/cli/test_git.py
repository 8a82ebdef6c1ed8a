"""Histories as git keeps them: odd names, odd dates, odd commits."""

from pathlib import Path
from typing import Any

import pytest

from laurels.cli.demo.git import Deed, NoHistory, Repository, kind_of


def deeds(repo: Any) -> list[Deed | None]:
    return list(Repository(repo.folder).deeds())


def only(repo: Any) -> Deed:
    (deed,) = deeds(repo)
    assert deed is not None
    return deed


def test_a_commit_is_told_with_its_lines_kind_time_and_hash(repo):
    made = repo.commit(
        "feat(api): begin", {"a.txt": b"1\n2\n"}, GIT_AUTHOR_DATE="2026-03-01T09:30:00+02:00"
    )

    deed = only(repo)

    assert deed.participant == "Ada"
    assert deed.name == "commit_landed"
    assert deed.properties == {
        "repository": "repo",
        "kind": "feat",
        "files": 1,
        "insertions": 2,
        "deletions": 0,
    }
    assert deed.at == 1_772_350_200_000
    assert deed.key == made


def test_history_is_told_from_its_first_commit_on(repo):
    made = [repo.commit(f"fix: {number}") for number in range(5)]

    assert [deed.key for deed in deeds(repo) if deed] == made


@pytest.mark.parametrize(
    "name",
    [
        'Zoë "🦄" O\'Neil',
        "a\tb",
        "back\\slash $(id) `id`",
        "名前",
        "x\x1b[31mred",
        "x\x1ey",
    ],
)
def test_odd_names_come_through_as_they_are(repo, name):
    repo.commit("docs: x", GIT_AUTHOR_NAME=name)

    assert only(repo).participant == name


def test_a_name_that_is_no_utf8_is_repaired(repo):
    repo.commit("first")
    repo.run("config", "i18n.commitEncoding", "UTF-8")
    tree = repo.run("write-tree")
    text = (
        f"tree {tree}\nauthor ".encode() + b"Z\xff <z@x> 1 +0000\ncommitter Z <z@x> 1 +0000\n\nx\n"
    )
    made = repo.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text)
    repo.run("update-ref", "HEAD", made)

    assert only(repo).participant == "Z\ufffd"


def test_a_very_long_name_is_cut(repo):
    repo.commit("first", GIT_AUTHOR_NAME="n" * 400)

    assert only(repo).participant == "n" * 255


def test_an_author_without_a_name_has_one_here(repo):
    repo.commit("first")
    repo.commit_raw(" <nobody@example.org> 1700000000 +0000")

    assert [deed.participant for deed in deeds(repo) if deed] == ["Ada", "somebody without a name"]


@pytest.mark.parametrize(
    ("date", "known"),
    [
        ("0 +0000", True),
        ("253370764799 +0000", True),
        ("253370764800 +0000", False),
        ("99999999999999 +0000", False),
        ("99999999999999999999999 +0000", None),
    ],
)
def test_dates_when_nobody_lives_are_left_out(repo, date, known):
    repo.commit("first")
    repo.commit_raw(f"Ada <a@x> {date}")

    first, odd = deeds(repo)

    assert first is not None
    # Git itself turns what it cannot hold into some other time; either is fine.
    assert known is None or (odd is not None) is known


def test_empty_binary_renamed_and_strangely_named_files_are_counted(repo):
    repo.commit("chore: empty")
    repo.commit("fix: binary", {"picture": b"\0\1\2"})
    repo.commit("test: odd", {'we"ird\nname 🦄': b"1\n", "-rf": b"2\n"})
    repo.run("mv", "picture", "image")
    repo.commit("refactor: rename")

    told = [(d.properties["kind"], d.properties["files"]) for d in deeds(repo) if d]

    assert told == [("chore", 0), ("fix", 1), ("test", 2), ("refactor", 1)]


def test_merges_are_told_apart_from_commits(repo):
    repo.commit("feat: root", {"a": b"1\n"})
    repo.run("checkout", "--quiet", "-b", "side")
    repo.commit("feat: side", {"b": b"1\n"})
    repo.run("checkout", "--quiet", "main")
    repo.commit("feat: main", {"c": b"1\n"})
    repo.run("merge", "--quiet", "--no-edit", "side")

    assert [deed.name for deed in deeds(repo) if deed][-1] == "merge_landed"
    assert len(deeds(repo)) == 4


def test_subjects_cannot_pose_as_fields(repo):
    repo.commit(" 9 files changed, 9 insertions(+)\n\n 8 files changed\nfeat: no")

    assert only(repo).properties["files"] == 0
    assert only(repo).properties["kind"] == "other"


def test_what_the_user_adds_to_a_log_does_not_disturb(repo):
    repo.run("config", "log.showSignature", "true")
    repo.run("config", "color.ui", "always")
    repo.run("config", "log.decorate", "full")
    repo.run("config", "format.pretty", "fuller")
    repo.run("config", "diff.noprefix", "true")
    repo.commit("feat: x", {"a": b"1\n"})
    repo.run("notes", "add", "-m", "a note")

    assert only(repo).properties["insertions"] == 1


def test_a_shallow_clone_says_that_it_is_one(repo, tmp_path):
    for number in range(3):
        repo.commit(f"fix: {number}")
    repo.run("clone", "--quiet", "--depth=2", f"file://{repo.folder}", str(tmp_path / "clone"))

    clone = Repository(tmp_path / "clone")

    assert clone.is_shallow
    assert clone.count == len(list(clone.deeds())) == 2
    assert clone.name == "clone"


def test_a_folder_inside_and_a_bare_repository_are_found(repo, tmp_path):
    repo.commit("first")
    (repo.folder / "below").mkdir()
    repo.run("clone", "--quiet", "--bare", str(repo.folder), str(tmp_path / "bare.git"))

    assert Repository(repo.folder / "below").name == "repo"
    assert Repository(tmp_path / "bare.git").name == "bare"


def test_a_hook_s_environment_does_not_lead_elsewhere(repo, monkeypatch):
    repo.commit("first")
    monkeypatch.setenv("GIT_DIR", "/nowhere")

    assert Repository(repo.folder).count == 1


def test_no_repository_no_commits_and_no_git_are_told(repo, tmp_path, monkeypatch):
    with pytest.raises(NoHistory, match="has no commits yet"):
        Repository(repo.folder)

    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(NoHistory, match="no git repository"):
        Repository(empty)

    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(NoHistory, match="no git on this machine"):
        Repository(Path())


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("feat: x", "feat"),
        ("Fix(core)!: x", "fix"),
        ("perf!: x", "perf"),
        ("style: x", "other"),
        ("fixes: x", "other"),
        ("fix x", "other"),
        ("", "other"),
    ],
)
def test_the_kind_is_the_conventional_prefix(subject, kind):
    assert kind_of(subject) == kind
