"""A real scheduler is killed; both watchers outside tell it.

One is the receiver of the heartbeat, who misses it by his own clock. The other is `muniment watch` on
another host, who reads the store. Airflow itself says nothing, which is the point.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from muniment.alerts.observe import newest_watch
from muniment.cli.main import main
from muniment.clock import FixedClock
from muniment.embedded.processes import ProcessSet, end
from tests.support.airflow_firm import AirflowFirm
from tests.support.airflow_running import Running

WATCH = "silent__watch"
PERIOD, GRACE = timedelta(minutes=30), timedelta(minutes=25)
"""What docs/ALERTS.md says to set at the receiver."""


def outside(
    firm: AirflowFirm, at: datetime, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[dict[str, Any]]]:
    """What `muniment watch` on another host says at this time, with the key card and the store."""
    capsys.readouterr()
    card = ["--vault-id", firm.pin.vault_id, "--root-key", firm.pin.root_public.hex()]
    store = f"file://{firm.folder}/store"
    code = main(["--store", store, *card, "watch", "--json"], clock=FixedClock(at))
    return code, json.loads(capsys.readouterr().out)["wrong"]


def test_a_killed_scheduler_is_told_by_both_watchers_outside(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    api, firm, sink = running.api, running.firms["silent"], running.beats
    running.switch_on(WATCH)
    api.wait_run(WATCH, api.trigger(WATCH), 240)
    for made_up in api.runs(WATCH):
        api.wait_run(WATCH, made_up.run_id, 240, accept=("success", "failed"))
    last = newest_watch(firm.vault("nobody"))
    beats = len(sink.got)
    assert last is not None
    assert beats > 0
    assert set(sink.paths) == {"/alerts"}
    assert outside(firm, last + timedelta(minutes=5), capsys) == (0, [])

    scheduler = ProcessSet(running.services.settings.home / "services").running()["scheduler"]
    end([scheduler], grace=0)

    # Nobody runs what is triggered now, and no sign of life comes any more.
    run_id = api.trigger(WATCH)
    within_the_hour = last + timedelta(minutes=55)
    code, wrong = outside(firm, within_the_hour, capsys)
    assert code == 11
    assert [(each["cause"], each["severity"]) for each in wrong] == [("watch_silent", "critical")]
    assert len(sink.got) == beats
    assert api.run(WATCH, run_id).state in ("queued", "running")
    # The receiver's own clock: the last beat he has is this old when he tells.
    told_at = sink.got[-1].at + PERIOD + GRACE
    assert told_at - last < timedelta(hours=1)
