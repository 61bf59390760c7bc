"""Manipulations: what is done to which object of a vault, drawn from a seed.

Object kinds x manipulations, then those of the whole vault: the newest commits removed, a source
removed, a commit grafted from another source or firm, last week's vault presented as today's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from muniment.vault import names
from muniment.vault.signing import Signer
from tests.campaigns.firm import SOURCES, Pristine
from tests.campaigns.places import Place

KINDS = (
    "vault", "epoch key", "id key", "matter key", "pack", "rows", "state", "commit", "base",
    "checkpoint", "retention", "evidence", "recovery file",
)  # fmt: skip

_PREFIXES = {
    "vault": "vault/", "epoch key": "keys/rec", "id key": "keys/id-", "matter key": "keys/matter-",
    "pack": "packs/", "rows": "snapshots/", "state": "state/", "commit": "commits/",
    "base": "bases/", "checkpoint": "checkpoints/", "retention": "retention/",
    "evidence": "evidence/", "recovery file": "rec",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A vault before the hand was laid on it: its places, what is true, another firm's objects.
    `needed` are the content-named objects without which a snapshot, or the next run, is lost."""

    place: Place
    matter_keys: Place
    truth: Pristine
    stranger: Mapping[str, bytes]
    needed: frozenset[str]

    def of(self, name: str) -> Place:
        return self.matter_keys if name.startswith("keys/matter-") else self.place

    def objects(self, kind: str) -> list[str]:
        pool = self.truth.matter_keys if kind == "matter key" else self.truth.objects
        prefixes = ("RECOVER.txt", "recover.py") if kind == "recovery file" else (_PREFIXES[kind],)
        return sorted(name for name in pool if name.startswith(prefixes))


@dataclass(slots=True)
class Done:
    """`objects` are the names that a finding must give. `outside` says whether only something known
    outside the store can show it; `harmless`, that all snapshots must still restore."""

    objects: set[str] = field(default_factory=set)
    outside: bool = False
    harmless: bool = False
    note: str = ""


Manipulation = Callable[[Seen, str, Random], Done]


def _drawn(seen: Seen, kind: str, random: Random) -> str:
    pool = seen.objects(kind)
    if kind in ("pack", "rows", "state"):
        pool = [name for name in pool if name in seen.needed]
    return random.choice(pool)


def flip(seen: Seen, kind: str, random: Random) -> Done:
    name = random.choice(seen.objects(kind))

    def change(data: bytes) -> bytes:
        at = random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]

    seen.of(name).change(name, change)
    return Done({name})


def truncate(seen: Seen, kind: str, random: Random) -> Done:
    name = random.choice(seen.objects(kind))
    seen.of(name).change(name, lambda data: data[: random.randrange(len(data))])
    return Done({name})


def swap(seen: Seen, kind: str, random: Random) -> Done:
    """Two objects of a kind change their bytes; the only one of its kind gets a stranger's."""
    pool = seen.objects(kind)
    if len(pool) == 1:
        return _replace(seen, pool[0], _foreign(seen, kind, random))
    one, other = random.sample(pool, 2)
    first, second = seen.of(one).data(one), seen.of(other).data(other)
    done = _replace(seen, one, second)
    _replace(seen, other, first)
    done.objects.add(other)
    return done


def replay(seen: Seen, kind: str, random: Random) -> Done:
    """An earlier object's bytes under a later one's name."""
    pool = seen.objects(kind)
    if len(pool) == 1:
        return _replace(seen, pool[0], _foreign(seen, kind, random))
    at = random.randrange(1, len(pool))
    return _replace(seen, pool[at], seen.of(pool[at]).data(pool[random.randrange(at)]))


def put_on_top(seen: Seen, kind: str, random: Random) -> Done:
    """Rubbish; a stranger's object, well-formed; the same payload signed by a stranger; on a store
    with versions also the very same bytes again."""
    name = _drawn(seen, kind, random)
    place = seen.of(name)
    true = place.data(name)
    choices = ["rubbish", "stranger's"]
    if name.endswith(".json"):
        choices.append("forged")
    if place.versions:
        choices.append("the same")
    how = random.choice(choices)
    data = {
        "rubbish": lambda: random.randbytes(len(true)),
        "stranger's": lambda: _foreign(seen, kind, random),
        "forged": lambda: _forged(true),
        "the same": lambda: true,
    }[how]()
    place.put_on_top(name, data)
    return Done({name}, harmless=place.versions, note=how)


def mark_deleted(seen: Seen, kind: str, random: Random) -> Done:
    name = _drawn(seen, kind, random)
    place = seen.of(name)
    place.mark_deleted(name)
    return Done({name}, harmless=place.versions)


def _replace(seen: Seen, name: str, data: bytes) -> Done:
    """In place of an object where that can be had, on top of it where versions cannot be removed."""
    place = seen.of(name)
    if place.loses:
        place.change(name, lambda _: data)
        return Done({name})
    place.put_on_top(name, data)
    return Done({name}, harmless=True)


def _foreign(seen: Seen, kind: str, random: Random) -> bytes:
    """An object of the same kind of another firm; of a kind that it lacks, rubbish."""
    prefixes = ("RECOVER.txt",) if kind == "recovery file" else (_PREFIXES[kind],)
    pool = sorted(name for name in seen.stranger if name.startswith(prefixes))
    data = seen.stranger[random.choice(pool)] if pool else random.randbytes(300)
    # Recovery files are the same in every firm.
    return data + b"\n# and more\n" if kind == "recovery file" else data


def _forged(envelope: bytes) -> bytes:
    import base64
    import json

    outer = json.loads(envelope)
    payload = json.loads(base64.b64decode(outer["payload"]))
    return Signer.generate().sign(str(payload["type"]), payload)


BY_KIND: dict[str, Manipulation] = {
    "flipped": flip,
    "truncated": truncate,
    "swapped": swap,
    "replayed": replay,
    "put on top": put_on_top,
    "delete marker": mark_deleted,
}


# -- the whole vault -----------------------------------------------------------------------------


def _remove(seen: Seen, going: set[str], note: str) -> Done:
    for name in sorted(going):
        seen.of(name).remove(name)
    return Done(going, outside=True, harmless=not seen.place.loses, note=note)


def _checkpoints_that_name(seen: Seen, seq: int) -> set[str]:
    """Checkpoints are daily, and so are commits."""
    return set(seen.objects("checkpoint")[seq - 1 :])


def remove_newest(count: int) -> Manipulation:
    def manipulate(seen: Seen, kind: str, random: Random) -> Done:
        """With the checkpoints and bases that tell of them, or without touching these."""
        source = random.choice(SOURCES)
        head = seen.truth.head(source)
        gone = range(head - count + 1, head + 1)
        commits = {names.commit(source, seq) for seq in gone}
        also: set[str] = set()
        clean = random.random() < 0.7
        if clean:
            also = _checkpoints_that_name(seen, gone[0])
            also |= {
                name
                for name in seen.objects("base")
                if (parts := names.base_parts(name)) and parts[0] == source and parts[1] in gone
            }
        _remove(seen, commits | also, "")
        # Nothing inside names what stood beside the commits any more: these must be named.
        named = commits | ({seen.objects("checkpoint")[-1]} if clean else set())
        note = f"{source}, {'with' if clean else 'without'} its traces"
        return Done(named, outside=True, harmless=not seen.place.loses, note=note)

    return manipulate


def remove_source(seen: Seen, kind: str, random: Random) -> Done:
    source = random.choice(SOURCES)
    going = {
        n for n in seen.truth.objects if f"/{source}/" in n or n.startswith(f"keys/id-{source}/")
    }
    clean = random.random() < 0.7
    if clean:
        going |= set(seen.objects("checkpoint"))
    _remove(seen, going, "")
    named = {n for n in going if n.startswith("commits/")}
    return Done(
        named,
        outside=True,
        harmless=not seen.place.loses,
        note=f"{source}, {'with' if clean else 'without'} its traces",
    )


def graft_source(seen: Seen, kind: str, random: Random) -> Done:
    into, other = random.sample(SOURCES, 2)
    seq = random.choice([seen.truth.head(other), random.randrange(1, seen.truth.head(other))])
    return _graft(seen, into, seen.truth.objects[names.commit(other, seq)], random)


def graft_firm(seen: Seen, kind: str, random: Random) -> Done:
    pool = sorted(name for name in seen.stranger if name.startswith("commits/"))
    return _graft(seen, random.choice(SOURCES), seen.stranger[random.choice(pool)], random)


def _graft(seen: Seen, source: str, data: bytes, random: Random) -> Done:
    """Under the next free number, or where a commit stands."""
    head = seen.truth.head(source)
    if random.random() < 0.5:
        name = names.commit(source, head + 1)
        seen.place.put_on_top(name, data)
        return Done({name}, outside=True, harmless=True, note="next")
    done = _replace(seen, names.commit(source, random.randrange(1, head + 1)), data)
    done.outside = True
    done.note = "in place"
    return done


def present_last_week(seen: Seen, kind: str, random: Random) -> Done:
    """Exactly what lay there a week ago; what is newer is gone."""
    going = set(seen.truth.objects) - set(seen.truth.last_week)
    for name in sorted(going):
        seen.place.remove(name)
    named = {n for n in going if n.startswith("commits/")}
    named.add(seen.objects("checkpoint")[-1])
    return Done(named, outside=True, harmless=not seen.place.loses)


WHOLE: dict[str, Manipulation] = {
    "newest 1 removed": remove_newest(1),
    "newest 3 removed": remove_newest(3),
    "newest 10 removed": remove_newest(10),
    "source removed": remove_source,
    "grafted from a source": graft_source,
    "grafted from a firm": graft_firm,
    "last week's vault": present_last_week,
}

PLACES = ("folder", "memory", "s3", "s3 locked")


def pairs() -> list[tuple[str, str]]:
    """Every (kind, manipulation), in an order that mixes them."""
    found = [(kind, how) for kind in KINDS for how in BY_KIND]
    found += [("vault as a whole", how) for how in WHOLE]
    Random(1).shuffle(found)
    return found


def drawn(seed: int) -> tuple[str, str, str]:
    """(kind, manipulation, place) of a seed: every pair once a round, in another place each round."""
    all_pairs = pairs()
    turn, at = divmod(seed, len(all_pairs))
    kind, how = all_pairs[at]
    places = list(PLACES)
    if how in ("flipped", "truncated"):
        # Below the API. The server takes long to give up on what it cannot read, so that comes later.
        below = "s3 unreadable" if turn and (at // 4) % 2 else "s3 volume files"
        places[places.index("s3 locked")] = below
    if how == "last week's vault":
        places.remove("s3 locked")
    return kind, how, places[(at + turn) % len(places)]
