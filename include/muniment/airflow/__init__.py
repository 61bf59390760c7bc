"""The Airflow door: DAGs, connection types and stores over the engine, and no logic of its own.

Nouns: a *factory* turns a firm's configuration into DAGs; a *task* is a few lines around one function
of the engine; a *failure* is an engine error said in Airflow's words (retry, or not).

Invariants: only this package, `dags/` and `plugins/` import Airflow; parsing reads two small documents a
firm and imports no vendor library; XCom carries ids, numbers and digests; a DAG that cannot be built
from its row becomes a DAG that says so.
"""
