"""recover.py, run as a stranger would: on a copy of a store, with nothing but Python, age and zstd."""

from __future__ import annotations

import ast
import json
import os
import pty
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.independent.example import SOURCE, build, differences, write_identity
from tests.independent.writer import Entry, Signer, Vault, frames_of, rewrite, seal, sha256, tar_of
from tests.recovery_by_hand.programs import RECOVER, path_with, recover
from tests.support.needs import needs_program

Restored = tuple[int, str]
STRANGER = Signer(b"x" * 32)


class Case:
    """A small vault, its identity, and a run of recover.py on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        self.vault = Vault(folder / "store", frame_bytes=1 << 14, chunk_bytes=1 << 12)
        self.vault.set_up([SOURCE])
        self.identity = write_identity(self.vault, folder / "identity")
        self.card: list[str] = [
            "--root-key",
            self.vault.root.public.hex(),
            "--vault-id",
            self.vault.vault_id,
        ]

    def object(self, name: str) -> Path:
        return self.folder / "store" / name

    def commit(self, seq: int) -> Path:
        return self.object(f"commits/{SOURCE}/{seq:08d}.json")

    def run(self, *options: str | Path, trusted: bool = True) -> Restored:
        shutil.rmtree(self.out, ignore_errors=True)
        words = [*(self.card if trusted else []), *options]
        done = recover(self.folder / "store", "--identity", self.identity, *words, self.out)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    def names(self) -> list[str]:
        return sorted(str(one.relative_to(self.out)) for one in self.out.rglob("*"))

    def back_up(self, *names: str, **changes: Any) -> bytes:
        entries = [Entry(name.encode(), content=name.encode()) for name in names]
        return self.vault.back_up(SOURCE, entries, **changes)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, list[list[Entry]]]:
    folder = tmp_path_factory.mktemp("example")
    case = Case.__new__(Case)
    vault, history = build(folder / "store", big=1_500_000)
    case.folder, case.out, case.vault = folder, folder / "out", vault
    case.identity = write_identity(vault, folder / "identity")
    case.card = ["--root-key", vault.root.public.hex(), "--vault-id", vault.vault_id]
    return case, history


# -- whole snapshots -------------------------------------------------------------------------------
@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("seq", [1, 2, 3, 4, 5])
def test_every_snapshot_comes_back_with_times_and_modes(
    seq: int, trusted: bool, example: tuple[Case, list[list[Entry]]]
) -> None:
    case, history = example
    status, text = case.run("--seq", str(seq), trusted=trusted)
    assert status == 0, text
    assert ("trust proven" if trusted else "trust not proven") in text
    assert differences(case.out, history[seq - 1], attributes=True) == []


@pytest.mark.parametrize(
    ("time", "seq"),
    [
        ("2026-01-01T02:00:00Z", 1),
        ("2026-01-02T01:59:59.999Z", 1),
        ("2026-01-04T12:00:00Z", 4),
        ("2030-01-01T00:00:00Z", 5),
    ],
)
def test_a_time_gives_the_newest_snapshot_at_or_before_it(
    time: str, seq: int, example: tuple[Case, list[list[Entry]]]
) -> None:
    case, history = example
    assert case.run("--as-of", time)[0] == 0
    assert differences(case.out, history[seq - 1]) == []


def test_a_time_before_everything_is_refused(example: tuple[Case, list[list[Entry]]]) -> None:
    case, _ = example
    status, text = case.run("--as-of", "2025-12-31T00:00:00Z")
    assert status == 2 and "snapshot" in text


def test_files_of_one_inode_are_one_file_again(example: tuple[Case, list[list[Entry]]]) -> None:
    case, _ = example
    case.run()
    inodes = {(case.out / name).stat().st_ino for name in ("linked/a", "linked/b", "z/c")}
    assert len(inodes) == 1 and (case.out / "not linked").stat().st_ino not in inodes


def test_a_sparse_file_takes_no_room(example: tuple[Case, list[list[Entry]]]) -> None:
    case, _ = example
    case.run("--path", "zeros")
    assert (case.out / "zeros").stat().st_blocks * 512 < 200_000


def test_one_matter_comes_back_by_number_or_id(example: tuple[Case, list[list[Entry]]]) -> None:
    case, _ = example
    for matter, name in (("2024-0001", "privileged"), ("M-BBBBBBBB", "letter")):
        assert case.run("--matter", matter)[0] == 0
        assert case.names() == ["matters", f"matters/{name}"]


@pytest.mark.parametrize("prefix", ["odd/deep", "odd/deep/", "odd/100%25 sure", "odd/100% sure"])
def test_one_folder_or_file_comes_back(
    prefix: str, example: tuple[Case, list[list[Entry]]]
) -> None:
    case, history = example
    assert case.run("--path", prefix)[0] == 0
    start = prefix.replace("%25", "%").rstrip("/").encode()
    wanted = [one for one in history[-1] if (one.path + b"/").startswith(start + b"/")]
    assert wanted and differences(case.out, wanted) == []


def test_what_is_not_there_is_not_called_a_success(
    example: tuple[Case, list[list[Entry]]],
) -> None:
    case, _ = example
    status, text = case.run("--path", "no such thing")
    assert status == 1 and "nothing in this snapshot" in text


def test_the_list_shows_every_item_on_one_line_and_restores_nothing(
    example: tuple[Case, list[list[Entry]]],
) -> None:
    case, history = example
    done = recover(case.folder / "store", "--identity", case.identity, "--list")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == len(history[-1])
    assert "2024-0001" in done.stdout and all(
        line.isprintable() for line in done.stdout.split("\n")
    )


def test_the_snapshots_are_listed_without_an_identity(
    example: tuple[Case, list[list[Entry]]],
) -> None:
    case, _ = example
    done = recover(case.folder / "store", "--snapshots", *case.card)
    assert [line.split()[0] for line in done.stdout.splitlines()] == list("12345")


def test_histories_of_chance_come_back(tmp_path: Path) -> None:
    """Names, contents, deletions and bases by lot; every snapshot of every history compared."""
    for seed in range(4):
        lot = random.Random(seed)
        (tmp_path / str(seed)).mkdir()
        case = Case(tmp_path / str(seed))
        history: list[list[Entry]] = []
        names = [lot.randbytes(lot.randint(1, 12)).translate(None, b"/\0") + b"." + b"x" * (i % 3) + str(i).encode() for i in range(30)]  # fmt: skip
        folders = [b"", *(name + b"/" for name in names[:5])]
        current: dict[bytes, Entry] = {}
        for _ in range(6):
            for _ in range(lot.randint(0, 15)):
                path = lot.choice(folders) + lot.choice(names[5:])
                if lot.random() < 0.3:
                    current.pop(path, None)
                else:
                    current[path] = Entry(
                        path, content=lot.randbytes(lot.choice([0, 1, 4096, 9999]))
                    )
            history.append(list(current.values()))
            case.vault.back_up(SOURCE, history[-1])
            if lot.random() < 0.3:
                case.vault.put_base(SOURCE)
        for seq in range(1, 7):
            status, text = case.run("--seq", str(seq))
            assert status == 0 or not history[seq - 1], text
            assert differences(case.out, history[seq - 1]) == []


# -- keys ------------------------------------------------------------------------------------------
def test_the_operations_identity_opens_the_vault_too(case: Case) -> None:
    case.back_up("a")
    case.identity.write_text(str(case.vault.operator))
    assert case.run()[0] == 0


def test_a_stranger_s_identity_opens_nothing_and_that_is_said(case: Case) -> None:
    case.back_up("a")
    case.identity.write_text(str(pyrage.x25519.Identity.generate()))
    status, text = case.run()
    assert status == 1 and "recovery-00000001" in text and case.names() == []


@pytest.mark.parametrize("content", ["", "not a key", "AGE-SECRET-KEY-1", "ssh-ed25519 AAAA"])
def test_a_file_that_is_no_identity_is_refused_or_opens_nothing(content: str, case: Case) -> None:
    case.back_up("a")
    case.identity.write_text(content)
    assert case.run()[0] in (1, 2)


def test_a_passphrase_is_asked_for_once(case: Case) -> None:
    """The escrow identity from the safe: age asks on the terminal, so the test has to be one."""
    case.back_up("a", "b")
    secret = f"# escrow\n{case.vault.escrow}\n".encode()
    case.identity.write_bytes(pyrage.passphrase.encrypt(secret, "correct horse"))
    needs_program("age")
    process, terminal = pty.fork()
    if process == 0:
        words = [str(case.folder / "store"), "--identity", str(case.identity), str(case.out)]
        os.execv(sys.executable, [sys.executable, "-S", "-I", str(RECOVER), *words])
    seen = b""
    while b"assphrase" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, b"correct horse\n")
    try:
        while block := os.read(terminal, 1000):
            seen += block
    except OSError:
        pass  # how Linux says that the other end has gone
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, seen
    assert case.names() == ["a", "b"] and seen.count(b"assphrase for") <= 1


def test_a_planted_key_that_is_none_stops_nobody(case: Case) -> None:
    case.back_up("a")
    good = str(case.vault.escrow)
    for number, text in enumerate(
        ("AGE-SECRET-KEY-1NONSENSE", good[:-1] + "!", good[:-1] + "\xe4")
    ):
        case.vault.put_key(f"planted-{number}", text=text + "\n")
    assert case.run()[0] == 0 and case.names() == ["a"]


def test_keys_of_matters_come_from_the_second_store(case: Case) -> None:
    case.vault.matters["matter-aaaaaaaa"] = pyrage.x25519.Identity.generate()
    case.vault.back_up(SOURCE, [Entry(b"a"), Entry(b"b", content=b"x", matter="M-AAAAAAAA")])
    status, text = case.run()
    assert status == 1 and "matter-aaaaaaaa" in text and case.names() == ["a"]
    store, case.vault.folder = case.vault.folder, case.folder / "second"
    case.vault.put_key("matter-aaaaaaaa")
    case.vault.folder = store
    assert case.run("--keys", case.folder / "second")[0] == 0
    assert case.names() == ["a", "b"]


# -- trust -----------------------------------------------------------------------------------------
def test_another_root_key_or_vault_id_restores_nothing(case: Case) -> None:
    case.back_up("a")
    for place, wrong in ((1, STRANGER.public.hex()), (3, "f" * 32)):
        right, case.card[place] = case.card[place], wrong
        assert case.run()[0] == 2 and not case.out.exists()
        case.card[place] = right
    assert case.run()[0] == 0


def test_a_commit_by_a_stranger_is_not_followed(case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "planted")
    rewrite(case.commit(2), lambda payload: None, STRANGER)
    status, text = case.run()
    assert status == 0 and case.names() == ["a"] and "not signed by anybody entitled" in text
    assert case.run(trusted=False)[0] == 0 and case.names() == ["a", "planted"]


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload.update(vault_id="f" * 32),
        lambda payload: payload.update(source="other"),
        lambda payload: payload.update(seq=3),
        lambda payload: payload.update(format=2),
        lambda payload: payload.update(type="base"),
        lambda payload: payload.update(parent=None),
        lambda payload: payload.update(parent="0" * 64),
        lambda payload: payload.update(ended_at="yesterday"),
        lambda payload: payload.pop("seq"),
    ],
)
def test_a_commit_that_disagrees_with_its_name_or_place_is_not_followed(
    change: Callable[[dict[str, Any]], Any], case: Case
) -> None:
    case.back_up("a")
    case.back_up("a", "b")
    rewrite(case.commit(2), change, case.vault.worker)
    assert case.run()[0] == 0 and case.names() == ["a"]


@pytest.mark.parametrize("bytes_", [b"", b"{}", b"[]", b"null", b"\xff", b'{"payload":1}'])
def test_a_file_that_is_no_envelope_is_passed_over(bytes_: bytes, case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "b")
    case.commit(2).write_bytes(bytes_)
    for trusted in (True, False):
        assert case.run(trusted=trusted)[0] == 0 and case.names() == ["a"]


def test_a_worker_of_another_source_is_not_entitled(case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "b")
    signers = [STRANGER.listed("worker", ["other"]), case.vault.worker.listed("worker", [SOURCE])]
    case.vault.put_document(signers=signers)
    rewrite(case.commit(2), lambda payload: None, STRANGER)
    assert case.run()[0] == 0 and case.names() == ["a"]


def test_operations_may_not_sign_commits(case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "b")
    rewrite(case.commit(2), lambda payload: None, case.vault.operations)
    assert case.run()[0] == 0 and case.names() == ["a"]


def test_a_vault_document_without_root_s_signature_is_not_in_force(case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "planted")
    case.vault.put_document(signers=[STRANGER.listed("worker")])
    rewrite(case.object("vault/00000002.json"), lambda payload: None, STRANGER)
    rewrite(case.commit(2), lambda payload: None, STRANGER)
    assert case.run()[0] == 0 and case.names() == ["a"]


def test_a_number_that_somebody_took_is_passed_over(case: Case) -> None:
    case.back_up("a")
    case.object("vault/00000002.json").write_bytes(b"taken")
    case.vault.put_document(number=3, signers=[STRANGER.listed("worker")])
    rewrite(case.commit(1), lambda payload: None, STRANGER)
    assert case.run()[0] == 0 and case.names() == ["a"]


def test_of_a_revoked_worker_only_the_commits_up_to_the_named_one_count(case: Case) -> None:
    case.back_up("a")
    second = case.back_up("a", "b")
    case.back_up("a", "b", "c")
    revoked = {"at": "2026-01-02T03:00:00Z", "trusted": {SOURCE: {"seq": 2, "digest": sha256(second)}}}  # fmt: skip
    case.vault.put_document(signers=[case.vault.worker.listed("worker", revoked=revoked)])
    status, text = case.run()
    assert status == 0 and case.names() == ["a", "b"] and "revoked" in text
    revoked["trusted"] = {}
    case.vault.put_document(signers=[case.vault.worker.listed("worker", revoked=revoked)])
    assert case.run()[0] == 2


@pytest.mark.parametrize("recorded", [False, True])
def test_what_revoked_operations_signed_counts_if_a_checkpoint_from_before_records_it(
    recorded: bool, case: Case
) -> None:
    """Its base is wrong on purpose: whether it was used can be seen in what comes back."""
    case.back_up("a")
    case.vault.standing[SOURCE] = {}
    case.vault.put_base(SOURCE)
    successor = Signer(b"s" * 32)
    revoked = {"at": "2026-01-05T00:00:00Z", "trusted": {}}
    signers = [
        case.vault.worker.listed("worker"),
        case.vault.operations.listed("operations", revoked=revoked),
        successor.listed("operations"),
    ]
    case.vault.put_document(signers=signers)
    at = "2026-01-04T00:00:00Z" if recorded else "2026-01-06T00:00:00Z"
    case.vault.put_checkpoint(at, successor)
    case.run()
    assert case.names() == ([] if recorded else ["a"])


def test_a_forgotten_commit_is_not_chosen_but_can_be_named(case: Case) -> None:
    case.back_up("a")
    second = case.back_up("a", "b")
    forget = [{"source": SOURCE, "seq": 2, "digest": sha256(second), "reason": "test"}]
    case.vault.put_retention("forget", commits=forget)
    assert case.run()[0] == 0 and case.names() == ["a"]
    assert case.run("--seq", "2")[0] == 0 and case.names() == ["a", "b"]


def test_a_stranger_cannot_make_commits_forgotten(case: Case) -> None:
    case.back_up("a")
    second = case.back_up("a", "b")
    forget = [{"source": SOURCE, "seq": 2, "digest": sha256(second), "reason": "test"}]
    case.vault.put_retention("forget", STRANGER, commits=forget)
    assert case.run()[0] == 0 and case.names() == ["a", "b"]


def test_a_store_that_was_cut_short_is_noticed_by_its_checkpoint(case: Case) -> None:
    case.back_up("a")
    case.back_up("a", "b")
    checkpoint = case.vault.put_checkpoint("2026-01-03T00:00:00Z")
    assert case.run("--mark", sha256(checkpoint)[:32])[0] == 0
    assert case.run("--mark", "0" * 32)[0] == 1
    case.commit(2).unlink()
    status, text = case.run()
    assert status == 1 and "cut short" in text and case.names() == ["a"]


# -- gaps and damage -------------------------------------------------------------------------------
def test_a_base_heals_a_gap_of_lost_commits(case: Case) -> None:
    for names in ("a", "ab", "abc"):
        case.back_up(*names)
    case.vault.put_base(SOURCE)
    case.back_up(*"abcd")
    case.commit(2).unlink()
    for trusted in (True, False):
        assert case.run(trusted=trusted)[0] == 0 and case.names() == list("abcd")


def test_without_a_base_a_lost_commit_is_reported(case: Case) -> None:
    for names in ("a", "ab", "abc"):
        case.back_up(*names)
    case.commit(2).unlink()
    assert case.run()[0] == 0 and case.names() == ["a"]
    status, text = case.run("--seq", "3", trusted=False)
    assert status == 1 and "lost" in text and case.names() == ["a", "c"]


def test_without_a_root_key_a_planted_commit_between_is_not_followed(case: Case) -> None:
    """The chain is read backwards from the wanted commit, so a stray one falls out by itself."""
    case.back_up("a")
    case.back_up("a", "b")
    rewrite(case.commit(2), lambda payload: payload.update(run_id="planted"), STRANGER)
    case.vault.commits[SOURCE] = case.vault.commits[SOURCE][:1]
    case.vault.standing[SOURCE].popitem()
    case.back_up("a", "c", seq=3)
    assert case.run(trusted=False)[0] == 0 and case.names() == ["a", "c"]


def test_a_damaged_base_is_replaced_by_the_commits(case: Case) -> None:
    case.back_up("a")
    before = set(case.object(f"snapshots/{SOURCE}").iterdir())
    case.vault.put_base(SOURCE)
    (rows,) = set(case.object(f"snapshots/{SOURCE}").iterdir()) - before
    rows.write_bytes(rows.read_bytes()[:-1])
    status, text = case.run()
    assert status == 0 and "damaged" in text and case.names() == ["a"]


def test_rows_with_another_digest_are_not_read(case: Case) -> None:
    case.back_up("a")
    rows = next(case.object(f"snapshots/{SOURCE}").iterdir())
    other = case.vault.put_rows(SOURCE, [])
    rows.write_bytes(case.object(f"snapshots/{SOURCE}/{other['snapshot']}").read_bytes())
    status, text = case.run()
    assert status == 1 and "digest" in text and case.names() == []


def test_rows_of_another_vault_or_source_are_not_read(case: Case) -> None:
    row, _ = case.vault._row(SOURCE, Entry(b"a"))
    for change in ({"vault_id": "f" * 32}, {"source": "other"}, {"format": 2}, {"t": "item"}):
        header = case.vault.header(SOURCE, case.vault.epoch) | change
        entry = case.vault.put_rows(SOURCE, [row], header=header)
        case.vault.put_commit(SOURCE, snapshots=[entry])
        assert case.run()[0] == 1 and case.names() == []


def test_a_newer_snapshot_whose_rows_are_missing_gives_way_to_an_older_one(case: Case) -> None:
    case.back_up("a")
    before = set(case.object(f"snapshots/{SOURCE}").iterdir())
    case.back_up("a", "b")
    (rows,) = set(case.object(f"snapshots/{SOURCE}").iterdir()) - before
    rows.unlink()
    status, text = case.run()
    assert status == 0 and "snapshot 2 is not whole" in text and case.names() == ["a"]


@pytest.mark.parametrize("damage", ["missing", "torn", "flipped", "empty"])
def test_a_lost_pack_costs_its_own_files_only_and_they_are_named(damage: str, case: Case) -> None:
    case.back_up("a")
    pack = next(case.object("packs").glob("*/*"))
    case.back_up("a", "b")
    data = bytearray(pack.read_bytes())
    if damage == "missing":
        pack.unlink()
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
        pack.write_bytes(data)
    else:
        pack.write_bytes(data[:-20] if damage == "torn" else b"")
    status, text = case.run()
    assert status == 1 and case.names() == ["b"]
    assert pack.name in text and ("missing" if damage == "missing" else "damaged") in text
    assert "a: " in (case.folder / "out.not-restored.txt").read_text()


def seal_pack(case: Case, tar: bytes) -> str:
    sealed = seal(frames_of(tar, 1 << 22)[0], [case.vault.recipient(case.vault.epoch)])
    return case.vault.put(f"packs/{sha256(sealed)[:2]}/{sha256(sealed)}", sealed)


def plant(case: Case, tar: bytes, wanted: bytes = b"wanted") -> None:
    """A snapshot with one file, whose part is said to lie in a pack of this tar."""
    good = case.vault.put_pack([wanted])
    member = case.vault.members[case.vault.epoch + sha256(wanted)]
    bad = seal_pack(case, tar)
    row, _ = case.vault._row(SOURCE, Entry(b"file", content=wanted))
    row["parts"] = [member.row() | {"p": bad}]
    entry = case.vault.put_rows(SOURCE, [row])
    case.vault.put_commit(SOURCE, snapshots=[entry], packs=[case.vault.packs[good]])


def test_tars_that_are_not_what_a_pack_may_hold_are_refused(case: Case) -> None:
    wanted, name = b"wanted", sha256(b"wanted")
    right = tar_of([wanted])
    symlink, header = bytearray(right), bytearray(right)
    symlink[156:157] = b"2"
    symlink[148:156] = b"%06o\0 " % (sum(symlink[:148]) + 256 + sum(symlink[156:512]))
    header[0] ^= 1
    tars = {
        "right": (right, True),
        "other content": (tar_of([b"forged"], names=[name]), False),
        "a symbolic link": (bytes(symlink), False),
        "a path": (tar_of([b"x", wanted], names=["../../etc/x", name]), False),
        "a short name": (tar_of([wanted], names=["a"]), False),
        "a broken header": (bytes(header), False),
        "no end": (right[:-1024], True),
        "half a member": (right[:514], False),
        "nothing": (b"", False),
        "too large": (tar_of([bytes(256 << 20), wanted]), False),
    }
    for what, (tar, comes_back) in tars.items():
        plant(case, tar)
        status, _ = case.run()
        assert (status == 0, case.names() == ["file"]) == (comes_back, comes_back), what


@pytest.mark.parametrize(
    "path",
    ["/etc/x", "../x", "a/../../x", "a/..", "..", "", "./x", "a//b", "a/", "x%00y", "a/./b", "%2e", "%", "%4", "%ZZ", None, 7, ["x"], "\ud800"],
)  # fmt: skip
def test_a_path_that_may_not_be_restored_is_refused_and_the_others_come_back(
    path: object, case: Case
) -> None:
    good, _ = case.vault._row(SOURCE, Entry(b"good"))
    bad = json.loads(json.dumps(good | {"id": "0" * 32, "path": path}))
    if path == "\ud800":
        bad["path"] = "%ED"  # a lone surrogate cannot be written as UTF-8 at all
        bad["path"] += "\n\x1b[31m\x9b"  # but a terminal's control characters can
    case.vault.put_commit(SOURCE, snapshots=[case.vault.put_rows(SOURCE, [bad, good])])
    status, text = case.run()
    assert "\x1b" not in text and "\x9b" not in text
    if path != "\ud800":
        assert status == 1 and case.names() == ["good"]


@pytest.mark.parametrize(
    "change",
    [
        {"parts": None},
        {"parts": [{}]},
        {"parts": [{"m": "../../x", "p": "0" * 64, "k": "", "s": []}]},
        {"parts": [{"m": "0" * 64, "p": "../" * 22, "k": "", "s": []}]},
        {"size": 5},
        {"size": -1},
        {"size": 1 << 80},
        {"sha256": ""},
        {"sha256": "0" * 64},
        {"meta": []},
        {"meta": None, "mtime_ns": None},
        {"kind": "symlink"},
        {"kind": 7},
        {"kind": "calendar", "sha256": ""},
        {"meta": {"mode": "rwx"}},
        {"meta": {"xattrs": {"user.x": 5}}},
        {"mtime_ns": 1 << 90},
    ],
)
def test_a_row_that_makes_no_sense_costs_nothing_but_itself(
    change: dict[str, Any], case: Case
) -> None:
    good, _ = case.vault._row(SOURCE, Entry(b"good"))
    bad, _ = case.vault._row(SOURCE, Entry(b"bad"))
    rows = [bad | change, good]
    case.vault.put_commit(SOURCE, snapshots=[case.vault.put_rows(SOURCE, rows)])
    status, _ = case.run()
    assert "good" in case.names()
    assert status == (0 if change == {"meta": []} else 1)


def test_unknown_rows_and_keys_are_ignored(case: Case) -> None:
    good, _ = case.vault._row(SOURCE, Entry(b"good"))
    rows = [good | {"new": {"x": 1}}, {"t": "something new", "id": good["id"]}]
    case.vault.put_commit(SOURCE, snapshots=[case.vault.put_rows(SOURCE, rows)], novelty=True)
    assert case.run()[0] == 0 and case.names() == ["good"]


def test_two_items_with_one_path_are_reported(case: Case) -> None:
    good, _ = case.vault._row(SOURCE, Entry(b"good"))
    rows = [good, good | {"id": "0" * 32}]
    case.vault.put_commit(SOURCE, snapshots=[case.vault.put_rows(SOURCE, rows)])
    assert case.run()[0] == 1 and case.names() == ["good"]


def test_nothing_is_written_through_a_symbolic_link(case: Case) -> None:
    outside = case.folder / "outside"
    outside.mkdir(mode=0o700)
    target = str(outside).encode()
    entries = [
        Entry(b"trap", "symlink", target=target),
        Entry(b"trap", "dir", mode=0o777),
        Entry(b"trap/file", content=b"x"),
        Entry(b"other", "symlink", target=target),
        Entry(b"other/file", content=b"x"),
        Entry(b"other/link", "symlink", target=b"x"),
    ]
    case.vault.back_up(SOURCE, entries)
    status, _ = case.run()
    assert status == 1 and list(outside.iterdir()) == []
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700


def test_out_must_be_new_or_empty(case: Case) -> None:
    case.back_up("a")
    case.out.mkdir()
    (case.out / "mine").write_text("mine")
    done = recover(case.folder / "store", "--identity", case.identity, case.out)
    assert done.returncode == 2 and case.names() == ["mine"]
    (case.folder / "link").symlink_to(case.folder)
    done = recover(case.folder / "store", "--identity", case.identity, case.folder / "link")
    assert done.returncode == 2


# -- attributes ------------------------------------------------------------------------------------
def test_extended_attributes_come_back(case: Case) -> None:
    probe = case.folder / "probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.probe", b"1")
    except (OSError, AttributeError):
        pytest.skip("this file system keeps no extended attributes: use one that does for TMPDIR")
    attributes = ((b"user.plain", b"value"), (b"user.odd %\xff", b"\0\xff"), (b"user.empty", b""))
    case.vault.back_up(SOURCE, [Entry(b"a", content=b"x", mode=0o400, xattrs=attributes)])
    assert case.run()[0] == 0
    found = {os.fsencode(name): os.getxattr(case.out / "a", name) for name in os.listxattr(case.out / "a")}  # fmt: skip
    assert dict(attributes).items() <= found.items()


@pytest.mark.skipif(os.geteuid() != 0, reason="owners can be set by root only: run as root")
def test_owners_come_back_for_root(case: Case) -> None:
    owner = (("uid", 1234), ("gid", 2345), ("owner", "nobody-here"))
    entries = [
        Entry(b".", "dir", mode=0o755),
        Entry(b"file", content=b"x", mode=0o4755, extra=owner),
        Entry(b"link", "symlink", target=b"file", extra=owner),
        Entry(b"dir", "dir", mode=0o2770, extra=owner),
    ]
    case.vault.back_up(SOURCE, entries)
    assert case.run()[0] == 0
    for name, mode in (("file", 0o4755), ("link", 0o777), ("dir", 0o2770)):
        state = (case.out / name).lstat()
        assert (state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)) == (1234, 2345, mode)


# -- the program itself ----------------------------------------------------------------------------
@pytest.mark.parametrize("missing", ["age", "zstd"])
def test_a_missing_program_is_named_with_where_to_get_it(missing: str, case: Case) -> None:
    case.back_up("a")
    other = {"age": "zstd", "zstd": "age"}[missing]
    path_with(case.folder / "bin", **{other: [str(needs_program(other))]})
    done = recover(
        case.folder / "store", "--identity", case.identity, case.out, path=str(case.folder / "bin")
    )
    assert done.returncode == 2 and f"`{missing}`" in done.stderr and "https://" in done.stderr


def test_it_is_valid_python_3_8_and_uses_the_standard_library_only() -> None:
    tree = ast.parse(RECOVER.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    assert imported <= set(sys.stdlib_module_names)


def other_pythons() -> list[str]:
    """The further interpreters on the PATH that do start (a version manager may only pretend)."""
    found = [shutil.which(f"python3.{minor}") for minor in range(8, 20)]
    return [
        one
        for one in found
        if one and subprocess.run([one, "-c", ""], capture_output=True, check=False).returncode == 0
    ]


@pytest.mark.parametrize("python", [sys.executable, *other_pythons()])
def test_it_runs_on_every_python_of_this_machine(python: str, case: Case) -> None:
    case.back_up("a")
    words = ["--identity", case.identity, *case.card, case.out]
    done = recover(case.folder / "store", *words, python=python)
    assert done.returncode == 0, done.stderr
    assert case.names() == ["a"]


def test_nothing_but_the_files_is_left_behind(case: Case) -> None:
    case.vault.back_up(SOURCE, [Entry(b".", "dir", mode=0o555), Entry(b"a", content=b"x")])
    assert case.run()[0] == 0
    assert sorted(os.listdir(case.out)) == ["a"] and not (case.folder / "out.not-restored.txt").exists()  # fmt: skip


def test_no_secret_is_written_to_the_disk(case: Case) -> None:
    """A stand-in for age looks for keys in everything the run has written, each time it is called."""
    case.back_up("a")
    age = needs_program("age")
    spy, temporary, seen = case.folder / "bin" / "age", case.folder / "tmp", case.folder / "seen"
    spy.parent.mkdir()
    temporary.mkdir()
    spy.write_text(
        "#!/bin/sh\n"
        f'grep -r AGE-SECRET-KEY "{case.out}" "{temporary}" >>"{seen}" 2>/dev/null\n'
        f'echo called >>"{seen}"\n'
        f'exec "{age}" "$@"\n'
    )
    spy.chmod(0o755)
    path = f"{spy.parent}:{needs_program('zstd').parent}:/usr/bin:/bin"
    words = ["--identity", case.identity, case.out]
    done = recover(case.folder / "store", *words, path=path, temporary=temporary)
    assert done.returncode == 0, done.stderr
    assert set(seen.read_text().splitlines()) == {"called"}
