"""The script of section 0 of docs/FORMAT.md, run as it stands there on vaults of the independent writer."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest

from tests.independent.example import SOURCE, build, differences, runs, write_identity
from tests.independent.writer import Entry, Vault, envelope, rewrite, seal, sha256, tar_of
from tests.recovery_by_hand.programs import by_hand, path_with
from tests.support.needs import needs_program

SHELLS = {
    "sh": ["sh"],
    "dash": ["dash"],
    "bash": ["bash"],
    "mksh": ["mksh"],
    "ash": ["busybox", "sh"],
}
BUSYBOX = ("awk", "sed", "tr", "find", "tar", "base64", "mktemp", "grep", "cat", "sha256sum")
TOOLS: dict[str, dict[str, list[str]]] = {
    "mawk": {"awk": ["mawk"]},
    "gawk": {"awk": ["gawk"]},
    "gawk-posix": {"awk": ["gawk", "--posix"]},
    "bsd-awk-and-bsdtar": {"awk": ["original-awk"], "tar": ["bsdtar"]},
    "bsdtar": {"tar": ["bsdtar"]},
    "busybox": {name: ["busybox", name] for name in BUSYBOX},
    "shasum": {"sha256sum": ["shasum", "-a", "256"]},
}


def here(commands: list[list[str]]) -> bool:
    return all(shutil.which(command[0]) for command in commands)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Entry]]:
    folder = tmp_path_factory.mktemp("example")
    vault, history = build(folder / "store", big=600_000)
    return folder / "store", write_identity(vault, folder / "identity"), history[-1]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vault = Vault(tmp_path / "store", frame_bytes=1 << 14, chunk_bytes=1 << 12)
    vault.set_up([SOURCE])
    write_identity(vault, tmp_path / "identity")
    return vault


def restore(tmp_path: Path, shell: str = "sh") -> subprocess.CompletedProcess[bytes]:
    return by_hand(tmp_path, [shell], tmp_path / "store", tmp_path / "identity", tmp_path / "out")


@pytest.mark.parametrize("shell", [name for name, words in SHELLS.items() if here([words])])
def test_every_file_comes_back_in_every_shell(
    shell: str, example: tuple[Path, Path, list[Entry]], tmp_path: Path
) -> None:
    store, identity, truth = example
    done = by_hand(tmp_path, SHELLS[shell], store, identity, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, b"")
    assert differences(tmp_path / "out", truth) == []


@pytest.mark.parametrize("tools", [name for name, them in TOOLS.items() if here([*them.values()])])
def test_every_file_comes_back_with_the_tools_of_every_system(
    tools: str, example: tuple[Path, Path, list[Entry]], tmp_path: Path
) -> None:
    store, identity, truth = example
    path = path_with(tmp_path / "bin", **TOOLS[tools])
    done = by_hand(tmp_path, ["sh"], store, identity, tmp_path / "out", path)
    assert done.returncode == 0, done.stderr
    assert differences(tmp_path / "out", truth) == []


def test_three_thousand_files_come_back(tmp_path: Path) -> None:
    vault, history = build(tmp_path / "store", big=100_000, many=3000)
    write_identity(vault, tmp_path / "identity")
    done = restore(tmp_path)
    assert done.returncode == 0, done.stderr
    assert differences(tmp_path / "out", history[-1]) == []


@pytest.mark.parametrize(
    "awk", [name for name in ("mawk", "gawk", "original-awk") if here([[name]])]
)
def test_a_file_of_very_many_parts_comes_back(awk: str, vault: Vault, tmp_path: Path) -> None:
    vault.chunk_bytes, vault.frame_bytes = 32, 1 << 20
    content = random.Random(1).randbytes(32 * 3_456 + 7)
    vault.back_up(SOURCE, [Entry(b"vast", content=content)])
    path = path_with(tmp_path / "bin", awk=[awk])
    identity, out = tmp_path / "identity", tmp_path / "out"
    done = by_hand(tmp_path, ["sh"], tmp_path / "store", identity, out, path)
    assert done.returncode == 0, done.stderr
    assert (out / "vast").read_bytes() == content


def test_a_history_without_a_base_comes_back(vault: Vault, tmp_path: Path) -> None:
    history = runs(big=20_000, many=10)
    for entries in history:
        vault.back_up(SOURCE, entries)
    assert restore(tmp_path).returncode == 0
    assert differences(tmp_path / "out", history[-1]) == []


def test_every_name_made_of_single_bytes_comes_back(vault: Vault, tmp_path: Path) -> None:
    names = [bytes([one]) for one in range(1, 256) if one not in b"./"]
    names += [
        bytes([one, two]) for one in b"'%\\\n\x01\x7f\x81-\"" for two in b"'%\\\n\x01\x7f\x81\""
    ]
    entries = [Entry(b"d/" + name, content=name) for name in names]
    vault.back_up(SOURCE, entries)
    for shell in ("dash", "bash"):
        needs_program(shell)
        done = restore(tmp_path, shell)
        assert done.returncode == 0, done.stderr
        assert differences(tmp_path / "out", entries) == []
        shutil.rmtree(tmp_path / "out")


def test_other_layouts_of_the_same_json_are_read(vault: Vault, tmp_path: Path) -> None:
    """White space and order are free outside rows, and JSON may escape the slash."""
    vault.back_up(SOURCE, [Entry(b"a", content=b"one")])
    vault.back_up(SOURCE, [Entry(b"a", content=b"one"), Entry(b"b", content=b"two")])
    for number, indent in ((1, "\t"), (2, None)):
        path = tmp_path / "store" / "commits" / SOURCE / f"{number:08d}.json"
        payload = vault_payload(path)
        data = envelope(payload, [vault.worker], indent=indent, sort_keys=True)
        path.write_bytes(data.replace(b"/", b"\\/"))
    assert restore(tmp_path).returncode == 0
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["a", "b"]


def vault_payload(path: Path) -> dict[str, object]:
    payload: dict[str, object] = json.loads(
        base64.b64decode(json.loads(path.read_bytes())["payload"])
    )
    return payload


def test_nothing_but_the_files_is_left_behind(vault: Vault, tmp_path: Path) -> None:
    vault.back_up(SOURCE, [Entry(b"a", content=b"one")])
    assert restore(tmp_path).returncode == 0
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["a"]


def test_a_missing_pack_loses_its_files_only_and_the_script_says_so(
    vault: Vault, tmp_path: Path
) -> None:
    vault.back_up(SOURCE, [Entry(b"a", content=b"one")])
    lost = next((tmp_path / "store" / "packs").glob("*/*"))
    vault.back_up(SOURCE, [Entry(b"a", content=b"one"), Entry(b"b", content=b"two")])
    lost.unlink()
    done = restore(tmp_path)
    assert done.returncode == 1
    assert b"cannot open pack" in done.stderr and b"bytes are missing: a" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["b"]


def test_content_with_another_digest_is_not_restored(vault: Vault, tmp_path: Path) -> None:
    good, bad = b"what was saved", b"what was not!!"
    tar = tar_of([bad, b"fine"], names=[sha256(good), sha256(b"fine")])
    pack = vault.put_pack([], tar=tar)
    members = {name: vault.members[vault.epoch + sha256(name)] for name in (good, b"fine")}
    rows = []
    for content, member in members.items():
        row, _ = vault._row(SOURCE, Entry(content[:4], content=content))
        rows.append(row | {"parts": [member.row()]})
    vault.put_commit(SOURCE, snapshots=[vault.put_rows(SOURCE, rows)], packs=[vault.packs[pack]])
    done = restore(tmp_path)
    assert done.returncode == 1 and b"damaged member" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["fine"]


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../../x", "a/..", "..", "", "./x", "a//b", "a/", "x%00y", "a/./b"]
)
def test_a_path_that_leaves_the_folder_is_refused_and_the_others_come_back(
    path: str, vault: Vault, tmp_path: Path
) -> None:
    good, _ = vault._row(SOURCE, Entry(b"good"))
    bad = good | {"id": "0" * 32, "path": path}
    vault.put_commit(SOURCE, snapshots=[vault.put_rows(SOURCE, [bad, good])])
    done = restore(tmp_path)
    assert done.returncode == 1 and b"refused" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["good"]
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_through_a_symbolic_link(vault: Vault, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = [
        Entry(b"trap", "symlink", target=str(outside).encode()),
        Entry(b"trap/file", content=b"out of the folder"),
    ]
    vault.back_up(SOURCE, entries)
    assert restore(tmp_path).returncode == 1
    assert list(outside.iterdir()) == []


def test_rows_that_no_key_opens_are_reported(vault: Vault, tmp_path: Path) -> None:
    vault.matters["matter-aaaaaaaa"] = pyrage.x25519.Identity.generate()
    vault.back_up(SOURCE, [Entry(b"a"), Entry(b"b", matter="M-AAAAAAAA")])
    done = restore(tmp_path)
    assert done.returncode == 1 and b"cannot open rows" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["a"]


def test_a_damaged_commit_is_reported(vault: Vault, tmp_path: Path) -> None:
    vault.back_up(SOURCE, [Entry(b"a")])
    vault.back_up(SOURCE, [Entry(b"a"), Entry(b"b")])
    (tmp_path / "store" / "commits" / SOURCE / "00000002.json").write_bytes(b"torn")
    done = restore(tmp_path)
    assert done.returncode == 1 and b"cannot read" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["a"]


def test_a_key_that_was_sealed_anew_to_other_holders_opens(vault: Vault, tmp_path: Path) -> None:
    """keys/<id>/00000002.age is for a new escrow; the old one still opens number 1, the new one number 2."""
    vault.back_up(SOURCE, [Entry(b"a", content=b"x")])
    new = pyrage.x25519.Identity.generate()
    vault.put_key(vault.epoch, 2, holders=[new])
    for identity in (new, vault.escrow):
        (tmp_path / "identity").write_text(str(identity))
        assert restore(tmp_path).returncode == 0
        shutil.rmtree(tmp_path / "out")


def test_a_planted_key_that_is_none_stops_nobody(vault: Vault, tmp_path: Path) -> None:
    """Anybody can seal to the escrow; one bad line among the identities would make age refuse them all."""
    vault.back_up(SOURCE, [Entry(b"a", content=b"x")])
    vault.put_key("planted", text="AGE-SECRET-KEY-1NONSENSE\n")
    done = restore(tmp_path)
    assert done.returncode == 0 and b"not a key" in done.stderr
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["a"]


def test_an_empty_part_needs_no_member(vault: Vault, tmp_path: Path) -> None:
    vault.put_pack([b"content"])
    part = vault.members[vault.epoch + sha256(b"content")].row()
    row, _ = vault._row(SOURCE, Entry(b"a", content=b"content"))
    row["parts"] = [part | {"m": sha256(b""), "s": []}, part]
    vault.put_commit(SOURCE, snapshots=[vault.put_rows(SOURCE, [row])])
    assert restore(tmp_path).returncode == 0
    assert (tmp_path / "out" / "a").read_bytes() == b"content"


def test_a_target_is_not_taken_from_an_attribute_of_that_name(vault: Vault, tmp_path: Path) -> None:
    link = Entry(b"link", "symlink", target=b"right", xattrs=((b"target", b"wrong"),))
    vault.back_up(SOURCE, [link])
    assert restore(tmp_path).returncode == 0
    assert (tmp_path / "out" / "link").readlink() == Path("right")


def test_an_existing_folder_is_left_alone(vault: Vault, tmp_path: Path) -> None:
    vault.back_up(SOURCE, [Entry(b"a")])
    (tmp_path / "out").mkdir()
    assert restore(tmp_path).returncode != 0
    assert list((tmp_path / "out").iterdir()) == []


def test_sealed_objects_of_the_writer_are_plain_age_files(vault: Vault, tmp_path: Path) -> None:
    age = needs_program("age")
    (tmp_path / "sealed").write_bytes(seal(b"hello", [str(vault.escrow.to_public())]))
    command = [age, "-d", "-i", tmp_path / "identity", tmp_path / "sealed"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"hello"


def test_rewriting_a_payload_signs_it_anew(vault: Vault, tmp_path: Path) -> None:
    vault.back_up(SOURCE, [Entry(b"a")])
    path = tmp_path / "store" / "commits" / SOURCE / "00000001.json"
    rewrite(path, lambda payload: payload.update(run_id="other"), vault.worker)
    assert vault_payload(path)["run_id"] == "other"
