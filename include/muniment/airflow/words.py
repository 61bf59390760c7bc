"""Words: the documentation of each DAG, as it stands in Airflow; it opens with what to do on failure."""

from __future__ import annotations

BACKUP = """\
### If it failed

1. Open the first red task and read the last lines of its log: **what**, **where**, **safe**, **to do**.
2. Do what *to do* says, then **trigger this DAG again**. That is always safe: it takes only what is
   missing, and never records a deletion it cannot believe.
3. A passing fault (network, store) was retried by itself before the task became red.

| red task | usually means | do |
|---|---|---|
| `plan` | the source is gone, empty, or another one than last time | mount or repair it, trigger again |
| `shard.encrypt` | staging is full, or the source went away | free space or mount it, trigger again |
| `shard.upload`, `shard.validate_checksums` | the store refuses or is away | check connection and policy, trigger again |
| `commit_snapshot` | the store is away, or another run was first | trigger again |
| `record` only | the snapshot **is** committed and restorable, and not everything was taken | its log counts what and why |
| `record`, `[M255]` | the snapshot is committed and **looks like an attack** | look at the source now; docs/ANOMALIES.md |

*Clear* a task alone only while its run is going on. Afterwards staging is empty: a cleared stage then
asks you to clear `plan` too, and clearing `plan` with everything downstream makes a snapshot of **now**,
not of the day of the run.

Source `{source}` of firm `{firm}`: {system}, {classification}; schedule {schedule} ({zone}).
More: docs/AIRFLOW.md.
"""

RESTORE = """\
### If it failed

1. Nothing that is in production was touched: deliveries go below the restore area, or into a new folder of a share.
2. Open the first red task and read the last lines of its log: **what**, **where**, **safe**, **to do**.
3. Trigger it again with the form corrected and *deliver to* empty (a new folder). A task that was only
   interrupted may be cleared instead: it goes on where it stopped.

| red task | usually means | do |
|---|---|---|
| `plan` | the form is wrong, or no snapshot has it at that time | correct the form: number, time, sources |
| `plan`, `[M591]` | nobody is named whose key it could be sealed to | *For whom*; `recipient` in firm.yaml; or *Not sealed* |
| `approve` | nobody answered in time, an approver said no, or it was not his to answer | clear it: it asks again |
| `sources` | there is no release, or it does not fit (`M581` to `M588`, `M592`, `M530`) | trigger anew; docs/RESTORE_APPROVAL.md |
| `restore` | the folder holds other files, is full, or an item cannot be proven | another folder; `muniment check` for damage |
| `certificate`, `notify` | something that was planned was not delivered | their logs name the items |

### How to ask

*Trigger* opens the form. Say **what** (a matter, one item, or whole sources), the **time** as of which
you want it (empty: newest), and **why**. `plan` proves the chosen snapshots before the first byte is
written and prints what will come; `restore` delivers source by source and reads everything back.
What is delivered is **sealed** for one person (*For whom*; without it whoever triggers it), who opens it with `age` and `tar`:
the folder's `README.txt` has the command. *Not sealed* leaves files in the clear.
Who asked and who let it go, the managing partner and the office manager are mailed how it ended.
*Deliver as* items **onto a share** gives what came from a Windows file server back into a new folder there, with its
permissions and not sealed (docs/SMB.md).
*Deliver as* a **matter file** makes of a matter a folder for people: begin at its `index.html` (docs/MATTER_FILE.md).
Restores of firm `{firm}` are delivered below the restore area, in one folder a restore.
More: docs/AIRFLOW.md.
"""

CHECKPOINT = """\
### If it failed

1. Backups and restores are not affected.
2. Open the first red task, read the last lines of its log, and do what *to do* says.

| red task | means | do |
|---|---|---|
| `write_checkpoint` | today's outside mark is missing: proof that nobody removed the newest snapshots from the store | mend what the log names, clear the task |
| `check` | something in a store is damaged, missing, or laid over by somebody | an incident: the log names objects, snapshots and matters |

`write_checkpoint` signs the newest snapshot of every source of firm `{firm}` into the store. The **mark** of 32
characters it returns (XCom, log) belongs outside the store too: it is what `muniment check` compares with. `check` then
looks at every object without opening any: there, of its size and checksum, signed by who may, nothing removed, nothing on top.
More: docs/AIRFLOW.md.
"""

VERIFICATION = """\
### If it failed

1. Nothing was changed in the vault, and nothing in production was written to.
2. Open the run's tab **Verification**: it says which source and which expectation failed, and means.
3. Open the first red task, read the last lines of its log, and do what *to do* says.

| red task | usually means | do |
|---|---|---|
| `source.restore_sample` | nothing of a source can be restored | treat as an incident: `muniment check`, then the second store |
| `source.check_bytes` | a pack or rows are damaged or tampered with | `muniment verify` names object, snapshots and matters |
| `source.expectations` | what came back is not what was backed up, or does not open | see the tab; the items are sealed in the evidence |
| `rebase` | a new base could not be written | trigger again; restores work without it |
| `report` only | says again what failed above it | mend that |

*Trigger* runs it at once; with **everything** every pack is decrypted instead of this week's slice. It is
always safe. Restored content lies in the scratch folder for as long as `restore_sample` runs.
Firm `{firm}`. More: docs/VERIFICATION.md and docs/AIRFLOW.md.
"""

DRILL = """\
### If it failed

1. No production system was touched, and the vault was only read.
2. Open the first red task, read the last lines of its log, and do what *to do* says.
3. Trigger it again: a drill that failed does not count as held.

| red task | usually means | do |
|---|---|---|
| `draw_matter` | no snapshot, no matter, or nobody who may answer | back up first; `matter_rules`; `login` of the managing partner |
| `prepare_sandbox` | the sandbox is too small or not private | name a larger disk, or drill a matter |
| `restore`, `verify` | something did not come back as it was | treat as an incident: `muniment check`, `muniment verify` |
| `record_elapsed` only | says again what failed above it | mend that |
| `partner_review` | somebody else answered, or the answer could not be stored | clear it: it asks again |
| `wipe_sandbox` | something could not be removed, or nobody answered | remove it by hand; hold the drill again |

### How it goes

It draws a matter by a stored seed, restores it from the store with operations' keys into an empty folder while no
source is touched, reads everything again, and records the time of each phase against 4 hours. Then it **waits for
the managing partner**: *Browse, Required Actions*: usable - yes, partly, no - and remarks. After the answer
the sandbox is removed, and how is recorded. What came back whole is certified; the certificate stays in the evidence.

*Trigger* holds one at once; the form has the other scenarios (an item, a whole source, ransomware).
Firm `{firm}`. More: docs/DRILLS.md and docs/AIRFLOW.md.
"""

CONFIG_ERROR = """\
### If it failed

It fails until the configuration is corrected; **{subject} is not backed up until then**.

```
{error}
```

Correct it, run `muniment doctor`, and wait for the next parse (a minute at most): this DAG then turns
into what it should be, and the other DAGs of firm `{firm}` run on meanwhile.
More: docs/AIRFLOW.md.
"""

APPROVE = """\
Waits until an approver that firm.yaml names has answered (of what is sealed its custodian too), and has a release signed into the vault: for this
plan, in this run, once. The tasks that deliver ask the vault for it and not this task, so do not mark it as
success: nothing goes by that. Skipped where no approval is needed. docs/RESTORE_APPROVAL.md.
"""
