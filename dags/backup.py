"""Airflow DAGs: `<firm>__<source>__backup`, one a source, as the firm's inventory.csv says.

plan -> shard [extract -> encrypt -> upload -> validate_checksums] -> commit_snapshot -> record
"""

from muniment.airflow.factory import backup_dags

globals().update(backup_dags())
