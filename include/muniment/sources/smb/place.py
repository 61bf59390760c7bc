"""Place: a share of a Windows file server, who signs in there, and how it is read."""

from __future__ import annotations

from msgspec import field

from muniment.model.value import Value

PORT = 445


class Place(Value, frozen=True):
    """`folder` is where the source begins below the share, `/`-separated, empty for all of it."""

    server: str
    share: str
    folder: str = ""
    port: int = PORT

    @property
    def unc(self) -> str:
        return f"\\\\{self.server}\\{self.share}"

    @property
    def unc_folder(self) -> str:
        """With the folder, as people write it."""
        return "\\".join([self.unc, *filter(None, self.folder.split("/"))])


class Account(Value, frozen=True):
    """Who signs in. `encrypt` refuses a server that cannot encrypt; without it requests are signed."""

    user: str
    password: str = field(default="")
    domain: str = ""
    encrypt: bool = True

    def __repr__(self) -> str:
        return "Account(...)"

    @property
    def name(self) -> str:
        return f"{self.domain}\\{self.user}" if self.domain else self.user
