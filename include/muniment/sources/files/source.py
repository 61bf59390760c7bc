"""FileSource: a folder tree to be backed up as it is."""

from __future__ import annotations

from muniment.sources.tree.tree import Tree


class FileSource(Tree):
    """A Source over a folder of a local disk or of a share that the system has mounted."""

    system = "files"
