"""LetGo: a restore at the command line that needs an approval - the door for the day on which Airflow is gone.

Nobody's login is checked here: whoever stands before it holds keys that open the vault anyway. So it asks for two
names in place of one, says that it is the breaking of the glass, and leaves that in the evidence for a review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muniment.cli.receiving import Receiving
    from muniment.cli.session import Session
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.release.book import Release
    from muniment.recovery.release.people import Entitled, Party
    from muniment.recovery.selection import Selection
    from muniment.vault.vault import Vault


class LetGo:
    """Of one restore, whose id in the evidence is that of `receiving`."""

    def __init__(self, session: Session, receiving: Receiving) -> None:
        self.restore_id = receiving.restore_id
        self._session = session
        self._receiving = receiving
        self._people = tuple(receiving.approved_by)
        self._needs: tuple[str, ...] = ()
        self._why: list[str] = []
        self._custodians: tuple[str, ...] = ()
        self._recorded: tuple[Vault, Release] | None = None

    def judge(self, plan: RestorePlan, selection: Selection) -> None:
        """Finds out whether the plan needs an approval."""
        if not self._asks:
            return
        from muniment.recovery.release.needs import WORDS, about, needs

        known = about(self._receiving.vault, self._session.firm, plan, selection)
        found = needs(known)
        self._custodians = known.custodians
        self._needs = tuple(need.value for need in found)
        self._why = [WORDS[need] for need in found]

    @property
    def _asks(self) -> bool:
        return self._session.has_firm and self._session.firm.firm.approvals is not None

    def as_dict(self) -> dict[str, Any]:
        return {
            "asked_for": self._asks,
            "needs": list(self._needs),
            "custodians": list(self._custodians),
            "approved_by": list(self._people) if self._needs else [],
            "recorded": self._recorded is not None,
        }

    def say(self) -> None:
        """What the plan has to say of it."""
        note = self._session.screen.note
        if not self._session.has_firm:
            note("Without firm.yaml nobody says whether this needs an approval.", style="")
        elif not self._asks:
            note(
                "This firm asks for no approval of restores (firm.yaml has no `approvals`).",
                style="",
            )
        elif not self._needs:
            note("Needs no approval.", style="")
        else:
            note(f"NEEDS AN APPROVAL: {'; '.join(self._why)}.", style="bold red")
            note(
                "The usual way is the restore DAG. This command BREAKS THE GLASS: it takes two people "
                "(--approved-by, twice), is recorded, told to both and the managing partner, and reviewed afterwards.",
                style="",
            )
            if self._custodians:
                note(
                    f"Something in it is under seal: {', '.join(self._custodians)} must be among them, or have asked for "
                    "it.",
                    style="",
                )

    def begin(self, plan: RestorePlan) -> None:
        """Records who let it go, before anything is delivered.

        Raises TwoPersonsNeeded, OwnApproval, CustodianNeeded for the wrong people. Without operations' keys it is let
        go all the same and not recorded: whoever restores with an identity from the safe has no key to sign with.
        """
        if not self._needs:
            return
        from muniment.errors import KeyFileError
        from muniment.evidence.releases import Way
        from muniment.recovery.release import issue, use
        from muniment.recovery.release.people import Entitled, require_entitled

        firm = self._session.firm.firm
        assert firm.approvals is not None
        entitled = Entitled.by(firm).under_seal_of(self._custodians)
        requester = self._requester(entitled)
        people = tuple(entitled.person(who) for who in self._people)
        require_entitled(entitled, Way.BREAK_GLASS, requester, people)
        try:
            vault = self._session.wiring.vault("operations")
        except KeyFileError as no_keys:
            self._session.screen.note(
                f"That {' and '.join(self._people)} let this restore go is not recorded in the vault: {no_keys.what}. "
                "Keep this output, and have an approver review it.",
                style="bold red",
            )
            return
        needs = tuple(_need(word) for word in self._needs)
        question = issue.Question(
            self.restore_id,
            plan,
            requester,
            needs,
            self._session.clock.now(),
            custodians=self._custodians,
        )
        issue.ask(vault, question, firm.approvals)
        answer = issue.Answer(
            self.restore_id, plan.digest, requester, people, Way.BREAK_GLASS, "cli"
        )
        issue.release(vault, answer, entitled, firm.approvals)
        demand = use.Demand(self.restore_id, plan.digest, requester, self.restore_id)
        self._recorded = vault, use.begin(vault, demand, entitled)

    def _requester(self, entitled: Entitled) -> Party:
        """Who is said to ask, and the user of this machine: neither lets it go."""
        from muniment.recovery.release.people import Party

        who = self._receiving.requested_by
        named = entitled.person(who) if who else Party()
        return Party(named.person, named.names | _at_the_terminal().names)

    def end(self, whole: bool) -> None:
        """Spends the release of a restore that is whole."""
        if self._recorded is not None and whole:
            from muniment.recovery.release import use

            use.end(*self._recorded)


def _need(word: str) -> Any:
    from muniment.recovery.release.needs import Need

    return Need(word)


def _at_the_terminal() -> Any:
    """The user of this machine: nobody that firm.yaml knows, and somebody all the same."""
    import getpass

    from muniment.recovery.release.people import Party

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return Party("", frozenset({f"terminal:{user}"}))
