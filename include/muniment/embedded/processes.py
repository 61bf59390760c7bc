"""Server processes that outlive the command that started them, and that another command can stop.

Nouns
- Child: what to run. Record: what was started, on disk. ProcessSet: records and logs of a folder.
- Start mark: what distinguishes two lives of one process id (boot and start tick).

Invariants
- A child leads a session of its own. Whatever it starts stays in that session even in another
  process group, so it is found when its parents are dead; what left the session is found as a
  descendant while its parent lives.
- No process is signalled unless its start mark is the one recorded or seen: an id that was given
  to a stranger meanwhile is left alone.
- `stop` returns with nothing left, or raises.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psutil

from muniment.errors import EmbeddedError

POLL_SECONDS = 0.05
KILL_SECONDS = 10.0
"""How long after SIGKILL a process may take to disappear (a disk wait can hold it)."""


@dataclass(frozen=True, slots=True)
class Child:
    """What to run. `stop_signal` asks it to end; PostgreSQL wants SIGINT, most others SIGTERM.
    `patience` is how many seconds it may take for that before it is killed."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_signal: int = signal.SIGTERM
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Record:
    """One started child. `pid` is also the number of its session."""

    name: str
    pid: int
    mark: str
    log: str
    stop_signal: int
    patience: float


@dataclass(frozen=True, slots=True)
class Life:
    """One process during one life of its id."""

    pid: int
    mark: str


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_mark(pid: int) -> str:
    """The start mark of a living process; "" when there is none or only its exit status is left.

    On Linux the kernel's start tick (proc(5), field 22), which a clock adjustment does not move. A process
    whose first thread has ended lives on in the others, and holds its ports until the last is gone.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        fields = stat[stat.rindex(")") + 2 :].split()
        gone = fields[0] == "X" or (fields[0] == "Z" and int(fields[17]) <= 1)
        return "" if gone else f"{_boot()}:{fields[19]}"
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.create_time():.3f}"
    except psutil.Error:
        return ""


def _from_earlier_boot(record: Record) -> bool:
    if sys.platform == "linux":
        return not record.mark.startswith(_boot())
    return float(record.mark or 0) < psutil.boot_time()


def is_alive(life: Life | Record) -> bool:
    """Is this still the process that was started, and not a later one with the same id?"""
    return bool(life.mark) and start_mark(life.pid) == life.mark


def members(record: Record) -> set[Life]:
    """Everything alive that the record's child started, the child included."""
    mark = start_mark(record.pid)
    if _from_earlier_boot(record) or (mark and mark != record.mark):
        # The system gives an id away only once the whole session of that number is gone.
        return set()
    pids = set(_session(record.pid))
    if mark:
        pids.add(record.pid)
        with suppress(psutil.Error):
            pids.update(each.pid for each in psutil.Process(record.pid).children(recursive=True))
    return {life for life in (Life(pid, start_mark(pid)) for pid in pids) if life.mark}


def _session(number: int) -> Iterable[int]:
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == number:
                yield pid
        except OSError:
            continue


def end(records: Sequence[Record], grace: float = float("inf")) -> None:
    """Ends every process of `records`: asked, asked again, killed when its patience, or `grace`
    seconds if that is less, is over.

    Raises EmbeddedError when a process survives even that.
    """
    seen: dict[Record, set[Life]] = {record: members(record) for record in records}
    asked: set[Life] = set()
    reminded: set[Record] = set()
    begin = time.monotonic()
    for record in records:
        _signal(record, record.stop_signal)
    while left := _refresh(seen):
        waited = time.monotonic() - begin
        for record, lives in seen.items():
            allowed = min(grace, record.patience)
            if waited > allowed / 4 and record not in reminded:
                # Airflow and uvicorn take a second request as "without waiting for anything".
                _signal(record, record.stop_signal)
                reminded.add(record)
            if waited > allowed:
                _signal_all(lives, signal.SIGKILL)
            elif not is_alive(record):
                # Orphans get no word any more from the child that started them.
                _signal_all(lives - asked, signal.SIGTERM)
                asked |= lives
            if lives and waited > allowed + KILL_SECONDS:
                raise _undying(left, record)
        time.sleep(POLL_SECONDS)


def _undying(left: set[Life], record: Record) -> EmbeddedError:
    return EmbeddedError(
        f"Processes {sorted(life.pid for life in left)} did not end, not even killed.",
        to=record.log,
        todo="Look at them with `ps`; a hung disk or network mount holds them.",
    )


def _signal_all(lives: set[Life], number: int) -> None:
    for life in lives:
        _signal(life, number)


def _refresh(seen: dict[Record, set[Life]]) -> set[Life]:
    for record, lives in seen.items():
        seen[record] = {life for life in lives | members(record) if is_alive(life)}
        # Afterwards: what was just seen to be gone leaves no exit status behind.
        _reap(record.pid)
    return set().union(*seen.values())


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _signal(life: Life | Record, number: int) -> None:
    if is_alive(life):
        with suppress(ProcessLookupError):
            os.kill(life.pid, number)


class ProcessSet:
    """The servers of one folder: `processes.json` and one `<name>.log` each.

    Another ProcessSet over the same folder, also in another program, sees and stops the same
    processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "processes.json"

    def start(self, child: Child) -> Record:
        """Starts a child in a session of its own, its output appended to its log.

        Raises EmbeddedError when it cannot be run, or when one of that name already runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.log(child.name)
        if child.name in self.running():
            raise EmbeddedError(f"{child.name} runs already.", to=str(log))
        # Of an earlier one that fell, orphans may be left.
        end([record for record in self.records() if record.name == child.name])
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    list(child.command),
                    env=dict(child.environment),
                    cwd=child.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise EmbeddedError(
                f"{child.name} cannot be started: {error.strerror}.",
                to=str(child.command[0]),
                todo="Install the project's requirements again (`make setup`).",
            ) from error
        # It is meant to outlive this object; `end` collects its exit status by id.
        process.returncode = 0
        mark = start_mark(process.pid)
        record = Record(child.name, process.pid, mark, str(log), child.stop_signal, child.patience)
        self._write([*(r for r in self.records() if r.name != child.name), record])
        return record

    def records(self) -> list[Record]:
        """What was started and not yet stopped, alive or not."""
        if not self._file.exists():
            return []
        return [Record(**row) for row in json.loads(self._file.read_text())]

    def running(self) -> dict[str, Record]:
        """Those whose first process is alive, by name."""
        return {record.name: record for record in self.records() if is_alive(record)}

    def fallen(self) -> list[str]:
        """The names of those that ended although nobody stopped them."""
        return [record.name for record in self.records() if not is_alive(record)]

    def stop(self, grace: float = float("inf")) -> None:
        """Ends everything, as `end` does, and forgets it. Raises EmbeddedError."""
        end(self.records(), grace)
        self._file.unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """Where the output of that child goes."""
        return self.folder / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines of a child's log, for an error text."""
        log = self.log(name)
        if not log.exists():
            return ""
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

    def _write(self, records: Sequence[Record]) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps([asdict(record) for record in records], indent=1))
        os.replace(new, self._file)
