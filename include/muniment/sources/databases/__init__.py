"""Practice databases: PostgreSQL, MariaDB and MySQL, SQLite, SQL Server."""
