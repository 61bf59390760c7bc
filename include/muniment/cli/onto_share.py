"""Restoring onto a share: what goes with it and what does not."""

from __future__ import annotations

import re
from pathlib import Path

from muniment.cli import forms


def onto_share(
    name: str,
    to: Path | None,
    seal_to: str,
    certificate: bool | None,
    *,
    plain: bool,
    overwrite: bool,
) -> None:
    """Raises BadParameter."""
    if to is not None:
        raise forms.BadParameter("--to and --to-share are two places; name one")
    if overwrite:
        raise forms.BadParameter("--to-share makes a new folder and overwrites nothing")
    if not plain:
        raise forms.BadParameter("--to-share gives items as they are")
    if seal_to or certificate:
        raise forms.BadParameter("--to-share gives files in the clear and no certificate")
    if not re.fullmatch(r"[^\\/:*?\"<>|\x00-\x1f]{1,100}", name) or name != name.strip(" ."):
        raise forms.BadParameter("the new folder needs one name that Windows takes, without a path")
