"""Said: what a matter file does not have, and why, for whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from muniment.recovery.matter_file import html
from muniment.recovery.matter_file.summary import Summary
from muniment.recovery.plan import Choice, RestorePlan

_SHOWN = 500


def not_given(
    plan: RestorePlan,
    failures: Sequence[tuple[str, str]],
    missing: Sequence[str],
    parts: Mapping[str, Summary],
) -> Iterator[str]:
    """Markup."""
    yield '<h2 id="not-given">What could not be given</h2>'
    told = [
        *(f"{html.line(source)}: {html.line(why)}." for source, why in plan.without),
        *(f"{html.line(source)}: nothing of it was delivered." for source in missing),
        *(line for choice in plan.choices for line in _of_choice(choice)),
    ]
    if told:
        yield f"<ul>{''.join(f'<li>{each}</li>' for each in told)}</ul>"
    if failures:
        names = {item: name for part in parts.values() for item, name in part.missing.items()}
        yield html.table(
            ("Item", "Called", "Why"),
            (
                (html.line(item), html.line(names.get(item, "")), html.line(why))
                for item, why in failures[:_SHOWN]
            ),
        )
        if len(failures) > _SHOWN:
            yield f'<p class="quiet">... and {len(failures) - _SHOWN:,} more: see the certificate.</p>'
    if not told and not failures:
        yield "<p>Nothing that the plan names is missing.</p>"
    yield (
        '<p class="quiet">Comments on documents belong to no matter in the system: they are in the backup, and not in '
        "this folder.</p>"
        if parts
        else ""
    )


def _of_choice(choice: Choice) -> Iterator[str]:
    source = html.line(choice.source)
    for seq, why in choice.passed_over:
        yield f"{source}: the newer snapshot {seq:,} is damaged and was passed over: {html.line(why)}."
    if choice.loss_seconds:
        hours = choice.loss_seconds / 3600
        yield f"{source}: what changed in the {hours:,.1f} hours before that is not here."
    for cause, count in choice.causes.items():
        yield (
            f"{source}: {count:,} items of the whole source could not be taken by the backup: "
            f"{html.line(cause.replace('_', ' '))}. `muniment ls {source} --seq {choice.seq} --problems` names them."
        )
    for reason, count in choice.withheld.items():
        yield f"{source}: {count:,} items are withheld: {html.line(reason)}."
    if choice.sealed_away:
        yield f"{source}: what is sealed to {len(choice.sealed_away):,} keys that are not at hand is not here."
