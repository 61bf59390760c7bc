"""A program that stands in for SQL Server where backups are concerned: see README.md for what of it is true."""
