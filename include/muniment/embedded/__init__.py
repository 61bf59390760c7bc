"""Servers that Muniment runs itself, on loopback: PostgreSQL, S3, Airflow."""
