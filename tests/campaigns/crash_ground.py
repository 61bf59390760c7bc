"""Ground: a vault at several moments of its life, set up once; and the server that runs the jobs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from muniment.clock import FixedClock, SystemClock
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import write_checkpoint
from muniment.vault.retention import RetentionOffice
from tests.campaigns.opened import keys_to_text
from tests.support.needs import REPOSITORY
from tests.support.practice import Practice, tree

DAYS = 3
Tree = dict[str, tuple[str, bytes | str]]


class Ground:
    """Set up once; every case works on a copy of a template's store."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # Files get the time of this machine, and what is condemned must be old by the vault's clock.
        self.practice = Practice(folder / "base", clock=FixedClock(SystemClock().now()))
        self.truth: dict[int, Tree] = {}
        self.at: dict[str, datetime] = {}
        (folder / "templates").mkdir()
        self.keys = folder / "keys.json"
        self.keys.write_text(keys_to_text(self.practice.keys, self.practice.pin))
        self._build()
        self.share = tree(self.practice.share)
        self.server = Server()
        self.seconds: dict[str, float] = {}
        self.lengths: dict[str, int] = {}
        """Command -> how many events it has when nothing happens to it."""

    def close(self) -> None:
        self.server.close()

    def _build(self) -> None:
        practice = self.practice
        chance = Random(1)
        practice.write("Office/empty.txt", "")
        (practice.share / "link").symlink_to("Office/list.txt")
        self._keep("fresh")
        for day in range(1, DAYS + 1):
            self._a_day(day, chance)
            seq = practice.back_up(shard_items=5).seq
            self.truth[seq] = tree(practice.share)
        write_checkpoint(practice.vault())
        practice.tomorrow()
        self._keep("days")
        vault = practice.vault()
        history = vault.history("files")
        assert history.head is not None
        rebase(vault, history, history.head, practice.staging)
        shutil.rmtree(practice.staging)
        self._keep("based")
        office = RetentionOffice(practice.vault("retention"))
        office.forget([(r, "expired") for r in history.trusted if r.seq in (1, 2)])
        assert isinstance(practice.clock, FixedClock)
        practice.clock.advance(timedelta(days=20))
        self._keep("forgotten")
        planned = office.plan_condemn()
        assert len(planned) > 3
        office.condemn(planned)
        practice.clock.advance(timedelta(days=20))
        self._keep("condemned")
        self._a_day(DAYS + 1, chance)
        practice.let_settle()

    def _a_day(self, day: int, chance: Random) -> None:
        practice = self.practice
        for matter in ("2024-0113 Harbor", "2024-0200 Mill"):
            for number in range(4):
                content = chance.randbytes(chance.randrange(20_000))
                practice.write(f"Matters/{matter}/{day}-{number}.bin", content)
        # Enough of one matter that, however shards are cut, one of each day holds nothing else and can go as a whole.
        for number in range(9):
            practice.write(f"Matters/2024-0300 Wharf/{number}.txt", f"day {day}, page {number}")
        practice.write("Office/list.txt", f"day {day}")
        if day > 1:
            (practice.share / f"Matters/2024-0200 Mill/{day - 1}-0.bin").unlink()
            before = practice.share / f"Matters/2024-0113 Harbor/{day - 1}-1.bin"
            before.rename(practice.share / f"Matters/2024-0200 Mill/renamed-{day}.bin")

    def _keep(self, name: str) -> None:
        shutil.copytree(self.practice.folder / "store", self.folder / "templates" / name)
        self.at[name] = self.practice.clock.now()


class Server:
    """The program that forks the processes that are killed."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(REPOSITORY / "include"), str(REPOSITORY)])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.crash_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, job: dict[str, Any], kill_after: float | None = None) -> int:
        """The exit code; -9 for a job that was killed. `kill_after` in seconds: from out here."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        timer = threading.Timer(kill_after, _kill, (pid,)) if kill_after is not None else None
        if timer:
            timer.start()
        code = int(self._process.stdout.readline())
        if timer:
            timer.cancel()
            timer.join()
        return code

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
        return
    with suppress(ProcessLookupError):
        # It has not become a group of its own yet.
        os.kill(pid, signal.SIGKILL)
