"""Muniment: backup and recovery that a law firm can prove.

The engine is a plain Python library. It never imports Airflow; `dags/`, `plugins/` and the
`muniment` command are thin doors into it. The rooms, and the direction of imports between them, are
drawn in docs/ARCHITECTURE.md.
"""

__version__ = "0.1.0"
