"""Airflow DAGs: `<firm>__restore_matter`, by hand, with a form.

plan -> approve -> restore, source by source -> certificate -> notify
"""

from muniment.airflow.factory import restore_dags

globals().update(restore_dags())
