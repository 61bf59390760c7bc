"""Quiet: `smbprotocol` writes servers, accounts and paths into its log. Paths name clients, so nothing of it is let through:
what went wrong is said by the errors raised here."""

from __future__ import annotations

import logging

for _name in ("smbprotocol", "smbclient", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
