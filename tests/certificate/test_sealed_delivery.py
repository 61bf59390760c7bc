"""A delivery that only its recipient opens: with `age` and `tar`, checked by who opened it, gone on with after a kill."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.clock import to_text
from muniment.errors import (
    CertificateRefused,
    IntegrityError,
    ItemNotDelivered,
    SealError,
    StoreUnavailable,
    TargetNotEmpty,
    TargetUnusable,
)
from muniment.recovery.certificate.certify import certify
from muniment.recovery.certificate.statement import Handling
from muniment.recovery.certificate.witness import Witness, keep, take
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.sealed import archive, part
from muniment.recovery.sealed.delivery import SealedDelivery
from muniment.recovery.sealed.key import Sealing, begin, ongoing
from muniment.recovery.sealed.opening import UNIX, open_delivery
from muniment.recovery.sealed.target import SealedTarget, parts_of
from muniment.recovery.selection import select_matter
from muniment.sources.files.set_attributes import Wanted
from muniment.vault.age import Identity, seal
from tests.support.needs import needs_program
from tests.support.practice import Practice, tree

NUMBER = "2024-0113"
CHAIN = f"Matters/{NUMBER} Alvarez/"
LATIN = os.fsdecode(b"Br\xfccke.txt")


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    made = Practice(tmp_path_factory.mktemp("firm"))
    made.write(CHAIN + "Complaint.pdf", b"%PDF-1.7 complaint")
    made.write(CHAIN + "Briefe/Müller 100%.txt", "naïve")
    made.write(CHAIN + LATIN, "no UTF-8 in its name")
    made.write(CHAIN + ("long " * 24) + "/" + ("name " * 30) + ".txt", "long")
    made.write(CHAIN + "empty.txt", b"")
    made.write(CHAIN + "LETTER.txt", "one of two names")
    made.write(CHAIN + "letter.txt", "the other one")
    made.write(CHAIN + "exhibit.bin", os.urandom(3_000_000)).chmod(0o440)
    (made.share / CHAIN / "nothing here").mkdir(mode=0o750)
    (made.share / CHAIN / "latest").symlink_to("Complaint.pdf")
    made.write("Office/Handbook.docx", "handbook")
    made.back_up()
    return made


class Delivered:
    """A matter of the firm, sealed to somebody, as far as it came."""

    def __init__(self, firm: Practice, folder: Path, part_bytes: int = 1 << 30) -> None:
        self.vault = firm.vault()
        self.folder = folder
        self.person = Identity.generate()
        self.selection = select_matter(self.vault, NUMBER)
        self.plan = make_restore_plan(self.vault, self.selection)
        self.part_bytes = part_bytes
        self.witness = Witness()

    def begin(self, *, overwrite: bool = False) -> Sealing:
        return begin(
            self.folder, self.person.recipient, self.vault, self.plan.digest, overwrite=overwrite
        )

    def perform(self, *, overwrite: bool = False) -> RestoreReport:
        sealing = self.begin(overwrite=overwrite)

        def target(source: str) -> SealedTarget:
            return SealedTarget(sealing, source, overwrite=overwrite, part_bytes=self.part_bytes)

        return perform(self.vault, self.plan, self.selection, target, witness=self.witness.saw)

    @property
    def delivery(self) -> SealedDelivery:
        return SealedDelivery(self.begin(), ["files"])

    def certify(self) -> None:
        now = to_text(self.vault.clock.now())
        handling = Handling("restore", "restore-1", now, now, now, received_by="associate")
        delivery = self.delivery
        certify(
            self.vault, self.plan, self.selection, self.folder, self.witness.seen, handling,
            differences={}, signer=self.vault.signer, place=delivery,
        )  # fmt: skip
        delivery.describe(self.plan.digest, whole=True)
        delivery.end()

    def open_as_a_person(self) -> Path:
        """Runs what README.txt says, in the folder of the delivery."""
        needs_program("age")
        text = (self.folder / "README.txt").read_text()
        command = next(line.strip() for line in text.splitlines() if "tar -x" in line)
        assert command == UNIX
        (self.folder / "my-key.txt").write_text(f"{self.person}\n")
        subprocess.run(["/bin/bash", "-euc", command], cwd=self.folder, check=True)
        return self.folder / "opened"


@pytest.fixture
def delivered(firm: Practice, tmp_path: Path) -> Delivered:
    return Delivered(firm, tmp_path / "to")


def test_what_comes_out_with_age_and_tar_is_what_was_backed_up_and_a_stranger_checks_it(
    firm: Practice, delivered: Delivered
) -> None:
    report = delivered.perform()
    assert report.whole and report.verified == delivered.plan.items, report.failures
    delivered.certify()

    names = sorted(p.name for p in delivered.folder.iterdir())
    assert names == ["README.txt", "SHA256SUMS", "_certificate.tar.age", "files-0001.tar.age"]
    opened = delivered.open_as_a_person()
    wanted = tree(firm.share / CHAIN)
    # On some people's machines the two would be one file.
    wanted["letter (2).txt"] = wanted.pop("letter.txt")
    assert tree(opened / "files" / CHAIN) == wanted
    for name in ("exhibit.bin", "Complaint.pdf", "nothing here"):
        ours, theirs = (opened / "files" / CHAIN / name).stat(), (firm.share / CHAIN / name).stat()
        assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns), name

    root = firm.pin.root_public.hex()
    check = [opened / "_certificate/verify_delivery.py", "--root-key", root]
    done = subprocess.run(
        ["python3", "-I", *check, "--sealed", delivered.folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    said = json.loads((opened / "_certificate/certificate.json").read_text())
    assert said["sealed"]["to"] == str(delivered.person.recipient)
    assert [p["name"] for p in said["sealed"]["parts"]] == ["files-0001.tar.age"]
    page = (opened / "_certificate/certificate.html").read_text()
    assert str(delivered.person.recipient) in page and "Alvarez" not in page
    sums = subprocess.run(
        ["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=delivered.folder, check=False
    )
    assert sums.returncode == 0
    (delivered.folder / "files-0001.tar.age").write_bytes(b"another")
    done = subprocess.run(
        ["python3", "-I", *check, "--sealed", delivered.folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "not the sealed file" in done.stdout


def test_bsdtar_reads_the_same_and_so_do_we(delivered: Delivered, tmp_path: Path) -> None:
    """Windows has bsdtar; a machine with neither program has Python."""
    bsdtar = needs_program("bsdtar")
    delivered.perform()
    [sealed] = parts_of(delivered.folder, "files")
    (tmp_path / "key").write_text(f"{delivered.person}\n")
    plain = subprocess.run(
        [needs_program("age"), "-d", "-i", tmp_path / "key", sealed],
        capture_output=True,
        check=True,
    ).stdout
    (tmp_path / "by bsdtar").mkdir()
    subprocess.run([bsdtar, "-xpf", "-", "-C", tmp_path / "by bsdtar"], input=plain, check=True)
    open_delivery(delivered.folder, delivered.person, tmp_path / "by us")
    assert tree(tmp_path / "by us") == tree(tmp_path / "by bsdtar")
    for path in (tmp_path / "by us/files" / CHAIN).rglob("*"):
        other = tmp_path / "by bsdtar" / path.relative_to(tmp_path / "by us")
        assert path.lstat().st_mtime_ns == other.lstat().st_mtime_ns


def test_no_name_and_no_content_lies_in_the_clear_and_only_the_person_opens_it(
    firm: Practice, delivered: Delivered
) -> None:
    delivered.perform()
    keep(delivered.begin().work, delivered.witness.seen, delivered.begin().key)
    while_it_is_made = [p.read_bytes() for p in delivered.folder.rglob("*") if p.is_file()]
    names = [p.name for p in delivered.folder.rglob("*")]
    for marker in (b"Alvarez", b"Complaint", b"complaint", b"na\xc3\xafve", b"letter"):
        assert not any(marker in data for data in while_it_is_made), marker
        assert not any(marker.decode() in name for name in names)
    # Operations can go on with it until it is certified, and with nothing after that.
    assert ongoing(delivered.folder, delivered.person.recipient, firm.vault("worker"), delivered.plan.digest) is None  # fmt: skip
    assert delivered.begin() == delivered.begin()
    key = delivered.begin().key
    delivered.certify()
    assert not (delivered.folder / ".sealing").exists()
    for role in ("operations", "escrow"):
        assert ongoing(delivered.folder, delivered.person.recipient, firm.vault(role), delivered.plan.digest) is None  # fmt: skip
    stands = b"".join(p.read_bytes() for p in delivered.folder.rglob("*") if p.is_file())
    assert str(key).encode() not in stands
    assert (delivered.folder / "README.txt").read_text().count("age1") == 1


# -- interrupted ---------------------------------------------------------------------------------------


def test_a_restore_that_was_killed_goes_on_with_the_parts_that_were_whole(
    firm: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered = Delivered(firm, tmp_path / "to", part_bytes=1)
    add, given = part.Part.add, []

    class Killed(BaseException):
        pass

    def dies(self: part.Part, path: bytes, *args: object) -> None:
        if len(given) == 4:
            # As a kill leaves it: no one tidies up.
            monkeypatch.setattr(part.Part, "abort", lambda self: None)
            raise Killed
        given.append(path)
        add(self, path, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(part.Part, "add", dies)
    with pytest.raises(Killed):
        delivered.perform()
    monkeypatch.undo()
    whole = parts_of(delivered.folder, "files")
    before = [path.read_bytes() for path in whole]
    assert len(whole) == 4 and list((delivered.folder / ".sealing").glob("part-*"))

    delivered.witness = Witness()
    report = delivered.perform()
    assert report.whole and report.already == 4, report.failures
    assert [path.read_bytes() for path in whole] == before
    assert not list((delivered.folder / ".sealing").glob("part-*"))
    delivered.certify()
    opened = delivered.open_as_a_person()
    assert len(tree(opened / "files" / CHAIN)) == len(tree(firm.share / CHAIN))


def test_an_item_that_fails_in_the_middle_leaves_no_trace_and_the_others_go_on(
    firm: Practice, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.vault.pack_reader import PartReader

    real = PartReader.content

    def content(self: PartReader, parts: object) -> Iterator[bytes]:
        pieces = list(real(self, parts))  # type: ignore[arg-type]
        if sum(map(len, pieces)) > 1_000_000:
            yield pieces[0][:900_000]
            raise StoreUnavailable("the store does not answer")
        yield from pieces

    monkeypatch.setattr(PartReader, "content", content)
    report = delivered.perform()
    [(_, why)] = report.failures
    assert why.startswith("M4") and report.verified == delivered.plan.items - 1
    monkeypatch.undo()
    sealing = delivered.begin()
    [only] = parts_of(delivered.folder, "files")
    names = [m.path for m in archive.members(only, sealing.key, hashed=False)]
    assert not any(name.endswith(b"exhibit.bin") for name in names)

    # What is missing alone is fetched by the next attempt.
    delivered.witness = Witness()
    report = delivered.perform()
    assert report.whole and report.items - report.already <= 4
    delivered.certify()


def test_one_that_is_not_whole_says_so_and_can_be_gone_on_with(delivered: Delivered) -> None:
    delivered.perform()
    delivered.delivery.describe(delivered.plan.digest, whole=False)
    assert "NOT WHOLE" in (delivered.folder / "README.txt").read_text()
    assert sorted(p.name for p in delivered.begin().work.iterdir()) == ["files.lock", "key.age"]
    report = delivered.perform()
    assert report.already == report.items == delivered.plan.items


def test_bytes_that_are_not_those_of_the_row_are_refused(delivered: Delivered) -> None:
    sealing = delivered.begin()
    one = part.Part(sealing, "files")
    good = hashlib.sha256(b"good").digest()
    plain = Wanted(None, None, None, None, {})

    def add(name: bytes, body: bytes, digest: bytes, size: int) -> None:
        head = archive.head(name, "file", size, plain)
        one.add(name, "file", head, part.Content([body], digest, size))

    add(b"files/a", b"good", good, 4)
    for body, digest, size in ((b"evil", good, 4), (b"goo", good, 4), (b"goods", good, 4)):
        with pytest.raises(ItemNotDelivered):
            add(b"files/b", body, digest, size)
    add(b"files/c", b"good", good, 4)
    found = one.finish(delivered.folder / "files-0001.tar.age")
    assert [(m.path, m.digest) for m in found] == [(b"files/a", good), (b"files/c", good)]


def test_a_part_that_does_not_open_as_it_was_written_never_stands_under_its_name(
    delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = part.members

    def another(*args: object, **named: object) -> Iterator[archive.Member]:
        yield from list(real(*args, **named))[:-1]  # type: ignore[arg-type]

    monkeypatch.setattr(part, "members", another)
    with pytest.raises(IntegrityError):
        delivered.perform()
    assert parts_of(delivered.folder, "files") == []
    assert not list((delivered.folder / ".sealing").glob("part-*"))


def test_a_part_that_was_changed_is_not_certified_and_not_gone_on_with(
    delivered: Delivered,
) -> None:
    delivered.perform()
    [only] = parts_of(delivered.folder, "files")
    data = bytearray(only.read_bytes())
    data[len(data) // 2] ^= 1
    only.write_bytes(data)
    with pytest.raises(CertificateRefused):
        delivered.certify()
    with pytest.raises(TargetNotEmpty):
        delivered.perform()
    delivered.witness = Witness()
    assert delivered.perform(overwrite=True).whole
    delivered.certify()


def test_another_delivery_in_the_folder_is_refused_until_it_is_to_be_replaced(
    firm: Practice, delivered: Delivered
) -> None:
    delivered.perform()
    delivered.certify()
    other = Delivered(firm, delivered.folder)
    with pytest.raises(TargetNotEmpty, match="another sealed delivery"):
        other.perform()
    assert not (delivered.folder / ".sealing").exists()
    assert other.perform(overwrite=True).whole
    assert not list(delivered.folder.glob("_*")) and not (delivered.folder / "README.txt").exists()
    # It is begun and not ended: to a third one it is another plan's.
    third = Delivered(firm, delivered.folder)
    with pytest.raises(TargetNotEmpty, match="another plan"):
        third.perform()
    assert third.perform(overwrite=True).whole
    third.certify()
    opened = third.open_as_a_person()
    assert (opened / "files" / CHAIN / "Complaint.pdf").exists()


def test_two_processes_do_not_deliver_one_source_at_once(delivered: Delivered) -> None:
    sealing = delivered.begin()
    one, two = SealedTarget(sealing, "files"), SealedTarget(sealing, "files")
    assert one.conflicts(iter([])) == []
    with pytest.raises(TargetUnusable, match="another restore"):
        two.conflicts(iter([]))
    one.close()
    assert two.conflicts(iter([])) == []
    two.close()


def test_what_was_seen_is_sealed_from_one_task_to_another(delivered: Delivered) -> None:
    delivered.perform()
    sealing = delivered.begin()
    keep(sealing.work, delivered.witness.seen, sealing.key)
    assert take(sealing.work, ["files"], sealing.key) == delivered.witness.seen
    with pytest.raises(CertificateRefused):
        take(sealing.work, ["files"], Identity.generate())


def test_what_an_archive_does_not_keep_is_said() -> None:
    wanted = Wanted.of(
        {"mode": 0o4711, "xattrs": {"user.note": "eA==", "system.posix_acl_access": "eA=="}}, 5
    )
    told = archive.not_kept("file", wanted, {"hardlink": "1"})
    assert told == ("mode", "hardlink", "acl", "xattr:user.note")
    assert archive.not_kept("file", Wanted.of({"mode": 0o640}, 5), {}) == ()


def test_memory_does_not_grow_with_what_is_delivered(delivered: Delivered) -> None:
    """Written, opened again and read for the certificate, by far more than is ever held."""
    block, count = os.urandom(1 << 20), 48
    digest = hashlib.sha256(block * count).digest()
    target = SealedTarget(delivered.begin(), "files")
    tracemalloc.start()
    try:
        content = (block for _ in range(count))
        target.give("file", b"big", {}, content, digest=digest, size=count << 20)
        target.finish()
        assert target.already("file", b"big", digest, count << 20)
        assert delivered.delivery.digest("files", b"big") == (digest.hex(), count << 20)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
        target.close()


@pytest.mark.parametrize(
    "name", ["../beside.txt", "/beside.txt", "files/../../beside.txt", "link/beside.txt"]
)
def test_what_would_stand_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    person = Identity.generate()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, ".."
        out.addfile(link)
        member = tarfile.TarInfo(name)
        member.size = 4
        out.addfile(member, io.BytesIO(b"evil"))
    (tmp_path / "files-1.tar.age").write_bytes(seal(made.getvalue(), [person.recipient]))

    with pytest.raises(SealError, match="outside"):
        open_delivery(tmp_path, person, tmp_path / "opened")

    assert not [*tmp_path.rglob("beside.txt")] and not Path("/beside.txt").exists()
