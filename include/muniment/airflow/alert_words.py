"""Words: the documentation of the watch and the canary, as it stands in Airflow."""

from __future__ import annotations

WATCH = """\
### If it failed

1. No backup is touched by it. What is missing is somebody who tells when one is.
2. Read the last lines of the log of `watch`: **what**, **where**, **safe**, **to do**.

| the log says | usually means | do |
|---|---|---|
| M4xx | the store of the firm does not answer; people were told | see its status; the next watch goes on by itself |
| M100 | a connection of `alerts` is missing or says too little | make it as docs/ALERTS.md says |
| M350 | the store cannot be tied to the key card | treat it as an incident: tell the managing partner |

It looks every 30 minutes, opens and resolves the alerts of firm `{firm}`, sends what no channel has taken yet,
and gives the sign of life to the watcher outside. **Do not switch it off**: its silence is an alarm.
More: docs/ALERTS.md and docs/AIRFLOW.md.
"""

CANARY = """\
### If it failed

1. `fail_on_purpose` is **meant** to be red. Only `arrived` counts, and with it the run.
2. `arrived` is red: a channel did not take the test alert, so it would not take a real one. Its log names
   the channel. Mend its connection and trigger this DAG again.
3. It is green, and nobody got the mail: look into the junk folder, then correct `alerts` in firm.yaml.

Every Monday a test alert of firm `{firm}` goes the way of a real one. More: docs/ALERTS.md and docs/AIRFLOW.md.
"""
