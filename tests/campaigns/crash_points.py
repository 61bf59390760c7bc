"""The commands that are killed, and the moments that have a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COMMANDS = {
    "first backup": ("fresh", "backup"),
    "backup": ("days", "backup"),
    "stages": ("days", "stages"),
    "rebase": ("days", "rebase"),
    "rebuild-state": ("days", "rebuild-state"),
    "checkpoint": ("days", "checkpoint"),
    "forget": ("based", "forget"),
    "condemn": ("forgotten", "condemn"),
    "sweep": ("condemned", "sweep"),
}
"""Name -> (template, command of the child)."""

POWER = ("on", "cut", "random")
"""After the kill: power stays on; what was not flushed is gone; some of it is."""


@dataclass(frozen=True, slots=True)
class Point:
    """A named moment: the `time`-th event of a kind whose object has `of` in its name."""

    name: str
    command: str
    event: str
    of: str = ""
    time: int = 1

    def as_kill(self) -> dict[str, Any]:
        return {"event": self.event, "of": self.of, "time": self.time}


POINTS = (
    Point("the plan is made, nothing is read", "backup", "make_plan.end"),
    Point("a shard is encrypted, none is uploaded", "backup", "encrypt.end"),
    Point("half of a pack is written", "backup", "write.half", "store/.tmp/"),
    Point("a pack is whole and has no name yet", "backup", "link.begin", "packs/"),
    Point("a pack has its name and it is not flushed", "backup", "link.end", "packs/"),
    Point("one pack of several is in the store", "backup", "put.end", "packs/"),
    Point("all packs are there, no rows", "backup", "put.begin", "state/"),
    Point("between the last pack and the commit: state there, rows not", "backup", "put.end", "state/"),
    Point("between the last pack and the commit: rows half", "backup", "put.begin", "snapshots/"),
    Point("between the last pack and the commit: all else there", "backup", "put.begin", "commits/"),
    Point("the commit is whole and has no name yet", "backup", "link.begin", "commits/"),
    Point("the commit has its name and it is not flushed", "backup", "link.end", "commits/"),
    Point("commit sent and answer lost", "backup", "put.end", "commits/"),
    Point("the commit is made, staging is full", "backup", "commit_snapshot.end"),
    Point("staging is half removed", "backup", "rmdir.begin", "staging/", 1),
    Point("the first folder of packs is not flushed", "first backup", "mkdir.end", "store/packs"),
    Point("the first commit's folder is there", "first backup", "mkdir.end", "store/commits"),
    Point("the first commit is sent and its answer lost", "first backup", "put.end", "commits/"),
    Point("Airflow: a stage's packs are half uploaded", "stages", "put.end", "packs/"),
    Point("Airflow: a pack has its name and it is not flushed", "stages", "link.end", "packs/"),
    Point("Airflow: a folder of packs is made and not flushed", "stages", "mkdir.end", "store/packs/"),
    Point("Airflow: the commit has its name and it is not flushed", "stages", "link.end", "commits/"),
    Point("Airflow: commit sent and answer lost", "stages", "put.end", "commits/"),
    Point("Airflow: committed, staging not removed", "stages", "commit_snapshot.end"),
    Point("rebase: rows are being written", "rebase", "fsync.begin", "staging/"),
    Point("rebase: rows there, base not signed", "rebase", "put.end", "snapshots/"),
    Point("rebase: the base has its name and it is not flushed", "rebase", "link.end", "bases/"),
    Point("rebase: the base is there and the answer lost", "rebase", "put.end", "bases/"),
    Point("rebuild: the state is there, the base not", "rebuild-state", "put.end", "state/"),
    Point("rebuild: the base is not signed", "rebuild-state", "put.begin", "bases/"),
    Point("checkpoint: signed and not flushed", "checkpoint", "link.end", "checkpoints/"),
    Point("checkpoint: the answer is lost", "checkpoint", "put.end", "checkpoints/"),
    Point("forget: nothing is logged", "forget", "put.begin", "retention/"),
    Point("forget: logged and not flushed", "forget", "link.end", "retention/"),
    Point("forget: logged and the answer lost", "forget", "put.end", "retention/"),
    Point("condemn: nothing is logged", "condemn", "put.begin", "retention/"),
    Point("condemn: logged and the answer lost", "condemn", "put.end", "retention/"),
    Point("sweep: logged, nothing deleted", "sweep", "put.end", "retention/"),
    Point("sweep: about to delete the first", "sweep", "delete.begin"),
    Point("sweep: the first is deleted and it is not flushed", "sweep", "unlink.end", "store/packs/"),
    Point("sweep: one of several is deleted", "sweep", "delete.end", "", 1),
    Point("sweep: two of several are deleted", "sweep", "delete.end", "", 2),
)  # fmt: skip
