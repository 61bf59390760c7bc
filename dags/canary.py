"""Airflow DAGs: `<firm>__canary`, weekly: fails on purpose; the alert must arrive.

fail_on_purpose -> arrived
"""

from muniment.airflow.factory import canary_dags

globals().update(canary_dags())
