"""People: who may let a restore go, as firm.yaml says now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import field

from muniment.config.approvals import Approvals, approvers
from muniment.config.firm import Firm
from muniment.errors import CustodianNeeded, NotAnApprover, OwnApproval, TwoPersonsNeeded
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
    """Who may do what. `logins` says under which name Airflow knows whom. `custodians` keep the seal of something in
    the restore that it is about: each of them must agree."""

    approvers: tuple[str, ...]
    break_glass: tuple[str, ...] = ()
    logins: Mapping[str, str] = field(default_factory=dict)
    managing_partner: str = ""
    custodians: tuple[str, ...] = ()

    @classmethod
    def by(cls, firm: Firm) -> Entitled:
        part = firm.approvals or Approvals()
        return cls(
            approvers(firm),
            tuple(dict.fromkeys(who for who in part.break_glass if who in firm.people)),
            {person.login: who for who, person in firm.people.items() if person.login},
            firm.roles.managing_partner,
        )

    def under_seal_of(self, custodians: tuple[str, ...]) -> Entitled:
        """The same for a restore in which these keep a seal."""
        return replace(self, custodians=custodians)

    @property
    def glass_breakers(self) -> tuple[str, ...]:
        """Who may be one of the two: whoever is named for it, every approver and every custodian, once anybody is
        named."""
        if not self.break_glass:
            return ()
        return tuple(dict.fromkeys((*self.break_glass, *self.approvers, *self.custodians)))

    def lets_go(self, party: Party, requester: Party) -> bool:
        """Is he the approver whom it takes? A custodian is not, because two are to look at what is sealed: but for the
        managing partner, whose word is both, and where the managing partner asked for it himself."""
        if party.person not in self.approvers:
            return False
        if party.person not in self.custodians or party.person == self.managing_partner:
            return True
        return requester.is_also(self.person(self.managing_partner))

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

    Raises OwnApproval, NotAnApprover, TwoPersonsNeeded, CustodianNeeded. Who asked must be known: nobody could say
    that he is another.
    """
    _require_others(requester, responders)
    if way is Way.BREAK_GLASS:
        _require_two(entitled, responders)
    else:
        _require_an_approver(entitled, requester, responders)
    if missing := without_word(entitled, requester, responders):
        raise CustodianNeeded(
            "the custodian of what is sealed in it has not agreed", to=", ".join(missing)
        )


def require_a_word(entitled: Entitled, requester: Party, responder: Party) -> None:
    """Whether an answer counts at all: an approver's, or a custodian's. Raises OwnApproval, NotAnApprover."""
    _require_others(requester, (responder,))
    if responder.person not in (*entitled.approvers, *entitled.custodians):
        raise NotAnApprover(_NO_APPROVER, to=responder.told or "nobody")


def without_word(
    entitled: Entitled, requester: Party, responders: Sequence[Party]
) -> tuple[str, ...]:
    """The custodians who did not agree. One who asked for the restore himself has by that."""
    agreed = {responder.person for responder in responders}
    return tuple(
        who
        for who in entitled.custodians
        if who not in agreed and not entitled.person(who).is_also(requester)
    )


def enough(
    entitled: Entitled, requester: Party, words: Sequence[Party]
) -> tuple[Party, ...] | None:
    """Of those who agreed, one by one, the ones who let it go together: an approver, and each custodian. None while
    somebody is missing."""
    letting = next((word for word in words if entitled.lets_go(word, requester)), None)
    if letting is None or without_word(entitled, requester, words):
        return None
    keeping = [word for word in words if word.person in entitled.custodians]
    by_person = {word.person: word for word in (letting, *keeping)}
    return tuple(by_person.values())


_NO_APPROVER = "who answered is not the managing partner and no deputy that firm.yaml names"


def _require_others(requester: Party, responders: Iterable[Party]) -> None:
    if not requester.told:
        raise OwnApproval(
            "nobody knows who asked for this restore, so nobody can be another than he",
            todo="Trigger it in Airflow under a login of one's own.",
        )
    for responder in responders:
        if responder.is_also(requester):
            raise OwnApproval("the one who asked for the restore let it go", to=responder.told)


def _require_an_approver(
    entitled: Entitled, requester: Party, responders: tuple[Party, ...]
) -> None:
    told = ", ".join(r.told for r in responders) or "nobody"
    others = [r for r in responders if r.person not in entitled.custodians]
    if len(others) > 1 or not responders or any(r.person not in entitled.approvers for r in others):
        raise NotAnApprover(_NO_APPROVER, to=told)
    if not any(entitled.lets_go(r, requester) for r in responders):
        raise NotAnApprover(
            "a custodian agreed and no approver besides him: two are to look at what is sealed",
            to=told,
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
