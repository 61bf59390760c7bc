"""How the tests of this folder run what a person would run: the script of the page, and recover.py."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from tests.support.needs import REPOSITORY, needs_program

PAGE = REPOSITORY / "docs" / "FORMAT.md"
RECOVER = REPOSITORY / "include" / "muniment" / "vault" / "recovery_files" / "recover.py"


def script_of_the_page() -> str:
    """The shell script of section 0, exactly as it stands in docs/FORMAT.md."""
    found = re.search(
        r"^## 0\. Recovery by hand$.*?^```sh\n(.*?)^```$",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    assert found, "section 0 of docs/FORMAT.md holds no script"
    return found.group(1)


def path_with(folder: Path, **programs: list[str]) -> str:
    """A PATH on which the named programs are others: `awk=["busybox", "awk"]`."""
    folder.mkdir()
    for name, command in programs.items():
        wrapper = folder / name
        words = [shutil.which(command[0]) or command[0], *command[1:]]
        wrapper.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        wrapper.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def by_hand(
    folder: Path, shell: list[str], store: Path, identity: Path, out: Path, path: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    for program in ("age", "zstd", "tar", "awk"):
        needs_program(program)
    script = folder / "by-hand.sh"
    script.write_text(script_of_the_page(), encoding="utf-8")
    return subprocess.run(
        [*shell, str(script), str(store), str(identity), "files", str(out)],
        env={"PATH": path or os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def recover(
    store: Path,
    *arguments: str | Path,
    python: str = sys.executable,
    path: str | None = None,
    temporary: Path = Path("/tmp"),
) -> subprocess.CompletedProcess[str]:
    """recover.py as a stranger runs it: no site packages, no environment but PATH and TMPDIR."""
    if path is None:
        path = ":".join({str(needs_program(name).parent) for name in ("age", "zstd")})
    return subprocess.run(
        [python, "-S", "-I", str(RECOVER), str(store), *map(str, arguments)],
        env={"PATH": path, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def recover_module() -> ModuleType:
    """recover.py as a module, for the tests of its parts."""
    spec = importlib.util.spec_from_file_location("recover_under_test", RECOVER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module
