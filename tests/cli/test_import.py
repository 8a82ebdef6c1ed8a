"""`laurels import`: every good line once, every bad line named."""

import gzip
import json

import pytest
from tests.serving import laurels

BAD = {
    b"nope": "is not JSON",
    b"{}": "participant_id: is required",
    b'{"participant_id": "a"}': "event_name: is required",
    b'{"participant_id": "a", "event_name": ""}': "event_name",
    b'{"participant_id": "a", "event_name": "x", "timestamp": 7}': "timestamp",
    b'{"participant_id": "a", "event_name": "x", "timestamp": "2026-01-01"}': "timestamp",
    b'{"participant_id": "a", "event_name": "x", "properties": {"n": NaN}}': "is not JSON",
    b'{"participant_id": "a\\u0000", "event_name": "x"}': "U+0000",
    b'{"participant_id": "a", "event_name": "x", "event_type": "y"}': "differs from event_name",
    b'{"participant_id": "\xff", "event_name": "x"}': "",
    b'{"participant_id": "a", "event_name": "commit_landed", "properties": '
    b'{"insertions": 1e300, "kind": "feat"}}': "9,000,000,000",
    b'{"participant_id": "a", "event_name": "x", "properties": {"p": '
    + b"[" * 70
    + b"]" * 70
    + b"}}": "deeper",
    b'{"participant_id": "' + b"a" * 70_000 + b'"}': "is longer than 65536 bytes",
}


def line(key: int, **more: object) -> bytes:
    event = {"participant_id": f"p{key % 7}", "event_name": "commit_landed"}
    return json.dumps(event | {"idempotency_key": f"k{key}"} | more).encode()


def lines(count: int) -> bytes:
    return b"".join(line(key) + b"\n" for key in range(count))


def test_lines_are_imported_once_however_often_and_in_whatever_packing(folder):
    (folder / "plain.jsonl").write_bytes(lines(1200))
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress(lines(1201)))

    first = laurels("import", "plain.jsonl", cwd=folder)
    second = laurels("import", "plain.jsonl", "packed.jsonl.gz", cwd=folder)
    third = laurels("import", "-", cwd=folder, stdin=gzip.compress(lines(1202)))

    assert first.stdout == "1,200 accepted, 0 already known, 0 bad.\n"
    assert second.stdout == "1 accepted, 2,400 already known, 0 bad.\n"
    assert third.stdout == "1 accepted, 1,201 already known, 0 bad.\n"
    assert first.returncode == second.returncode == third.returncode == 0
    assert laurels("verify", cwd=folder).returncode == 0


@pytest.mark.parametrize(("bad", "reason"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_line_is_named_and_its_neighbours_are_taken(folder, bad, reason):
    (folder / "a.jsonl").write_bytes(line(1) + b"\r\n\n" + bad + b"\n" + line(2))

    run = laurels("import", "a.jsonl", cwd=folder)

    assert run.returncode == 1
    (told,) = [text for text in run.stderr.splitlines() if text.startswith("a.jsonl:3: ")]
    assert reason in told
    assert run.stdout == "2 accepted, 0 already known, 1 bad.\n"


def test_a_bad_line_is_named_by_a_server_too(server, tmp_path):
    secrets = server.secrets()
    to = ["--url", server.url, "--key", secrets["LAURELS_BOOTSTRAP_API_KEY"]]
    bad = [text for text, reason in BAD.items() if reason != "9,000,000,000"]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([line(1), *bad, line(2)]))

    first = laurels("import", "a.jsonl", *to, cwd=tmp_path)
    second = laurels("import", "a.jsonl", *to, cwd=tmp_path)

    assert first.returncode == second.returncode == 1
    assert first.stdout == f"2 accepted, 0 already known, {len(bad)} bad.\n"
    assert second.stdout == f"0 accepted, 2 already known, {len(bad)} bad.\n"
    for number in range(len(bad)):
        assert f"a.jsonl:{number + 2}: " in first.stderr


def test_lines_without_a_key_are_given_none(folder):
    text = b'{"participant_id": "a", "event_type": "commit_landed", "attributes": {"n": 1}}\n'

    for _ in range(2):
        run = laurels("import", "-", cwd=folder, stdin=text)
        assert "1 accepted, 0 already known" in run.stdout
        assert "1 had no key: importing them again counts them again." in run.stdout


def test_a_file_that_ends_in_the_middle_gives_what_it_has(folder):
    import random  # noqa: PLC0415 - only here

    chance = random.Random(1)
    text = b"".join(line(key, source=str(chance.random())) + b"\n" for key in range(500))
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(text)[:-200])

    run = laurels("import", "a.jsonl.gz", cwd=folder)

    assert run.returncode == 1
    assert "cannot be read any further" in run.stderr
    assert int(run.stdout.split()[0]) > 100


def test_no_file_is_wrong_usage_and_so_is_a_server_without_a_key(folder):
    (folder / "a.jsonl").write_bytes(line(1))
    for arguments in (
        [],
        ["none.jsonl"],
        ["a.jsonl", "--url", "http://x"],
        ["a.jsonl", "--key", "x"],
        ["a.jsonl", "--url", "http://x", "--key", "k", "--store", "sqlite:x.db"],
    ):
        run = laurels("import", *arguments, cwd=folder)
        assert run.returncode == 2
        assert "Traceback" not in run.stderr


def test_another_tenant_must_be_there_and_a_missing_rulebook_is_told(folder):
    text = line(1)
    nobody = laurels("import", "-", "--tenant", "acme", cwd=folder, stdin=text)
    assert nobody.returncode == 1
    assert "There is no tenant 'acme'" in nobody.stderr

    laurels("tenants", "create", "acme", cwd=folder)
    run = laurels("import", "-", "--tenant", "acme", cwd=folder, stdin=text)
    assert run.returncode == 0
    assert "No rulebook is in force" in run.stderr


def test_an_import_makes_its_store_and_takes_a_byte_order_mark(tmp_path):
    run = laurels("import", "-", cwd=tmp_path, stdin=b"\xef\xbb\xbf" + line(1))

    assert run.returncode == 0
    assert (tmp_path / "laurels.db").exists()
