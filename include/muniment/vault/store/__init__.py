"""Stores: a local directory, S3 with Object Lock. See `base.Store` for the contract."""
