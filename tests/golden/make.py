"""Writes a golden vault: `python -m tests.golden.make tests/golden/v1`. Done once for each format version.

What is committed is never written again: every later version of Muniment must restore it. Its keys are
in the open on purpose; nothing in it is anybody's.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from muniment.clock import to_text
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.evidence import append
from muniment.vault.retention import RetentionOffice
from muniment.vault.setup import add_matter_key, roll_epoch
from muniment.vault.store.local import LocalStore
from tests.support.practice import Practice


def truth_of(share: Path) -> dict[str, str]:
    """Path (percent-free, as repr of bytes would be too odd) -> SHA-256, `dir`, or `-> target`."""
    found = {}
    for path in sorted(share.rglob("*")):
        name = str(path.relative_to(share))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "dir"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def make(out: Path) -> None:
    generator = random.Random(20261125)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        keys = LocalStore.create(work / "matter-keys")
        practice = Practice(work, matter_keys=keys)
        truths = {}
        for day in range(5):
            _work(practice, generator, day)
            if day == 2:
                roll_epoch(practice.vault(), practice.keys.root, "recovery_points")
                _key_of_a_matter(practice)
            outcome = practice.back_up()
            truths[str(outcome.seq)] = {
                "as_of": outcome.ended_at,
                "tree": truth_of(practice.share),
            }
            if day == 3:
                operations = practice.vault()
                history = operations.history("files")
                rebase(operations, history, history.at(3), work / "rebase")
        append(practice.vault(), "operations", "drill.finished", detail={"words": "golden"})
        office = RetentionOffice(practice.vault("retention"), timedelta(0))
        office.forget([(practice.vault().history("files").at(1), "golden")])
        checkpoint = write_checkpoint(practice.vault())
        shutil.copytree(work / "store", out / "store")
        shutil.copytree(work / "matter-keys", out / "matter-keys")
        facts = {
            "made": to_text(practice.clock.now()),
            "vault_id": practice.pin.vault_id,
            "root_public": practice.pin.root_public.hex(),
            "mark": checkpoint.digest[:32],
            "identities": {
                "escrow": str(practice.keys.escrow),
                "operations": str(practice.keys.operations),
            },
            "forgotten": [1],
            "snapshots": truths,
        }
        (out / "golden.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def _work(practice: Practice, generator: random.Random, day: int) -> None:
    share = practice.share
    practice.write(f"Matters/2024-0113 Harbor/day {day}.txt", f"what happened on day {day}")
    practice.write("Matters/2024-0113 Harbor/letter.txt", f"version {day}")
    practice.write("Matters/2024-0200 Mill/sealed.bin", generator.randbytes(20_000))
    practice.write("Office/Ärzte & Söhne 100%.txt", "names")
    if day == 0:
        practice.write("Office/empty.txt", "")
        (share / "Office/empty folder").mkdir()
        (share / "Office/link").symlink_to("empty.txt")
        (share / "Office/second name").hardlink_to(share / "Office/empty.txt")
    if day == 1:
        (share / "Matters/2024-0113 Harbor/day 0.txt").unlink()
    if day == 3:
        (share / "Matters/2024-0113 Harbor").rename(share / "Matters/2024-0113 Harbor v. Mill")


def _key_of_a_matter(practice: Practice) -> None:
    from muniment.recovery.selection import select_matter
    from muniment.vault import names

    matter = select_matter(practice.vault(), "2024-0200").value
    add_matter_key(practice.vault(), practice.keys.root, names.matter_key(matter))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
