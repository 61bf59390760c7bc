"""People: who may let a restore go, as firm.yaml says now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import field

from muniment.config.approvals import Approvals, approvers
from muniment.config.firm import Firm
from muniment.errors import NotAnApprover, OwnApproval, TwoPersonsNeeded
from muniment.evidence.releases import Way
from muniment.model.value import Value


class Party(Value, frozen=True):
    """Somebody as a door knows him: an id of `people` where he is one, and every name that the door gives.

    Airflow's names differ from one of its auth managers to the other, so two parties are the same one as soon as
    they share any.
    """

    person: str = ""
    names: frozenset[str] = frozenset()

    @property
    def told(self) -> str:
        """What evidence says of him."""
        return self.person or min(self.names, default="")

    def is_also(self, other: Party) -> bool:
        mine, others = ({p.person, *p.names} - {""} for p in (self, other))
        return bool({n.casefold() for n in mine} & {n.casefold() for n in others})


class Entitled(Value, frozen=True):
    """Who may do what. `logins` says under which name Airflow knows whom."""

    approvers: tuple[str, ...]
    break_glass: tuple[str, ...] = ()
    logins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def by(cls, firm: Firm) -> Entitled:
        part = firm.approvals or Approvals()
        return cls(
            approvers(firm),
            tuple(dict.fromkeys(who for who in part.break_glass if who in firm.people)),
            {person.login: who for who, person in firm.people.items() if person.login},
        )

    @property
    def glass_breakers(self) -> tuple[str, ...]:
        """Who may be one of the two: whoever is named for it, and every approver, once anybody is named."""
        return (
            tuple(dict.fromkeys((*self.break_glass, *self.approvers))) if self.break_glass else ()
        )

    def party(self, *names: object) -> Party:
        """Whoever has one of these user names in Airflow."""
        given = frozenset(str(name) for name in names if name)
        known = (self.logins[name] for name in sorted(given) if name in self.logins)
        return Party(next(known, ""), given)

    def person(self, who: str) -> Party:
        """Somebody who is named by his id of `people`."""
        own = frozenset(login for login, person in self.logins.items() if person == who)
        return Party(who, own)

    def answering(self, people: Iterable[str]) -> dict[str, str]:
        """User of Airflow -> id of `people`, for those of them whom Airflow knows."""
        wanted = set(people)
        return {login: who for login, who in self.logins.items() if who in wanted}


def require_entitled(
    entitled: Entitled, way: Way, requester: Party, responders: tuple[Party, ...]
) -> None:
    """The rule of who may let a restore go.

    Raises OwnApproval, NotAnApprover, TwoPersonsNeeded. Who asked must be known: nobody could say that he is
    another.
    """
    if not requester.told:
        raise OwnApproval(
            "nobody knows who asked for this restore, so nobody can be another than he",
            todo="Trigger it in Airflow under a login of one's own.",
        )
    for responder in responders:
        if responder.is_also(requester):
            raise OwnApproval("the one who asked for the restore let it go", to=responder.told)
    if way is Way.BREAK_GLASS:
        _require_two(entitled, responders)
        return
    if len(responders) != 1 or responders[0].person not in entitled.approvers:
        told = ", ".join(r.told for r in responders) or "nobody"
        raise NotAnApprover(
            "who answered is not the managing partner and no deputy that firm.yaml names", to=told
        )


def _require_two(entitled: Entitled, responders: tuple[Party, ...]) -> None:
    told = ", ".join(r.told for r in responders) or "nobody"
    if len(responders) != 2 or responders[0].is_also(responders[1]):
        raise TwoPersonsNeeded("it takes two different people", to=told)
    for one in responders:
        if one.person not in entitled.glass_breakers:
            raise TwoPersonsNeeded(
                "who answered is none of those whom firm.yaml names for breaking the glass",
                to=one.told,
            )
