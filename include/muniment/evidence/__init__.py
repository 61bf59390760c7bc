"""Evidence room: what happened, by whose signature, and what it comes to.

Nouns
- Event: a kind of entry of evidence and the facts that it carries (`events`; docs/FORMAT.md, section 16).
- Configuration, timeline: what was to be backed up, from which moment on (`configuration`).
- Expected run: a moment at which a source was due, and by when it had to be done (`expected`). Run: an
  expected run with what became of it (`runs`).
- Ledger: runs, restores, drills, verifications and alerts of a period (`ledger`). Roll-up: the ledger of
  one month, signed, so that a year is read from a dozen objects (`rollup`).
- KPI: a number over a ledger (`kpi`; docs/KPIS.md).

Invariants: a day is judged by the inventory in force that day; what never ran is a failure; everything
here can be computed again from the vault alone, without any key. Airflow's database is never asked.
"""
