"""Airflow DAGs: `<firm>__verification`, weekly: what was backed up is restored, opened and judged.

choose -> source [restore_sample -> check_bytes -> expectations] -> reconcile_trust -> rebase -> report
"""

from muniment.airflow.factory import verification_dags

globals().update(verification_dags())
