"""Standing: whose account this is, and whether it sees all of every cabinet.

Whoever is not an administrator of a cabinet does not find what an ethical wall hides from him, and nothing says so. So
the rights of the account in each cabinet are worked out as the vendor does it: from the cabinet's members and the groups
that the account belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.errors import ConfigError, SourceRestricted
from muniment.sources.netdocuments.items import Cabinet
from muniment.sources.netdocuments.reading import Json, Reader


@dataclass(frozen=True, slots=True)
class Identity:
    """`key` is the same as long as it is the same repository. No names."""

    repository: str
    user: str
    cabinets: tuple[Cabinet, ...]

    @property
    def key(self) -> str:
        return f"netdocuments:{self.repository}"


def identify(reader: Reader, repository: str, wanted: Sequence[str]) -> Identity:
    """Two requests. `repository` may be empty where the account sees but one; `wanted` are cabinets, empty for all.

    Raises SourceRestricted where the account is mapped to nobody or a cabinet is not shown, SourceRefused,
    SourceUnavailable, ConfigError.
    """
    to = f"source {reader.transport.source_id}"
    user = str(reader.require_mapped()["id"])
    told = [one for one in reader.some("v1/User/cabinets") if one.get("id")]
    if not repository and len({str(one.get("repositoryId")) for one in told}) > 1:
        raise ConfigError(
            "the account sees cabinets of several repositories, and firm.yaml does not say whose they are",
            to=to,
            todo="Give `repository`; it begins with CA-.",
        )
    repository = repository or next((str(one.get("repositoryId")) for one in told), "")
    own = {str(one["id"]): one for one in told if str(one.get("repositoryId")).upper() == repository.upper()}  # fmt: skip
    missing = sorted(set(wanted) - own.keys())
    if missing or not own:
        which = f"the cabinets {', '.join(missing)}" if missing else "a single cabinet"
        raise SourceRestricted(
            f"the service account does not see {which}",
            to=to,
            todo="In NetDocuments, make it an administrator of each cabinet that is to be backed up; or, where a cabinet"
            " is gone for good, take it out of `cabinets`. See that `repository` is the firm's.",
        )
    found = [_cabinet(own[one]) for one in sorted(wanted or own)]
    return Identity(repository, user, tuple(found))


def _cabinet(told: Json) -> Cabinet:
    def number(name: str) -> int:
        text = str(told.get(name) or "")
        return int(text) if text.isdigit() else 0

    return Cabinet(str(told["id"]), number("wsAttrNum"), number("wsOrgAttrNum"), told)


def require_all(reader: Reader, identity: Identity) -> None:
    """Raises SourceRestricted where the account is not an administrator of every cabinet."""
    looked = _Looked(reader, identity.user)
    less = [one.id for one in identity.cabinets if not looked.administers(one)]
    if less:
        raise SourceRestricted(
            f"the service account does not administer {', '.join(less)}: what is walled off from it there is not found,"
            " and nothing says so",
            to=f"source {reader.transport.source_id}",
            todo="In NetDocuments, put the account into a group that administers each cabinet; then clear this task.",
        )


class _Looked:
    def __init__(self, reader: Reader, user: str) -> None:
        self._reader = reader
        self._user = user
        self._member: dict[str, bool] = {}

    def administers(self, cabinet: Cabinet) -> bool:
        members = self._reader.some("v1/cabinet/{}/membership", cabinet.id)
        mine = [one for one in members if self._is_me(str(one.get("principal")))]
        walled = any(one.get("noAccess") or one.get("no_access") for one in mine)
        return not walled and any(one.get("administer") for one in mine)

    def _is_me(self, principal: str) -> bool:
        if principal == self._user:
            return True
        if not principal.startswith("UG-"):
            return False
        if principal not in self._member:
            members = self._reader.many("v1/Group/{}/members", principal)
            self._member[principal] = any(str(one.get("id")) == self._user for one in members)
        return self._member[principal]
