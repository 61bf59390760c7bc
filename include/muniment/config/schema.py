"""Schema: models of configuration, declared in pydantic's words and read without it where nothing is wrong.

To import pydantic and build some sixty models of it takes longer than most commands work. So a model here is a plain
class. What it is given is read by `muniment.config.plain`, which takes only what is right at first sight and judges
nothing; all that it does not take is judged by pydantic, by the same declarations (`muniment.config.judge`): so whether
something is wrong, and what, is said by pydantic alone.

Invariant: a model is closed, strict and does not change; see `muniment.config.values`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

from muniment.config import plain
from muniment.config.plain import NotPlain

Checked = TypeVar("Checked", bound=Callable[..., Any])

REQUIRED: Any = object()
"""In place of a default."""


class BeforeValidator:
    """In `Annotated`: what makes of a value the one that is checked. Raises ValueError with words for a person."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


class AfterValidator:
    """In `Annotated`: looks at a checked value, and gives it or another one. Raises ValueError with words for a person."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


LIMITS = ("ge", "gt", "le", "max_length", "min_length", "pattern")


class FieldInfo:
    """One key: its default, its name in the document, its limits, and its words for the reference.

    `strict=False` lets a whole number stand for one with a fraction. `discriminator` is the field whose value says which
    of several models is meant.
    """

    __slots__ = (
        "alias", "annotation", "default", "default_factory", "description", "discriminator", "examples",
        "ge", "gt", "le", "max_length", "min_length", "pattern", "strict",
    )  # fmt: skip

    def __init__(
        self,
        default: Any = REQUIRED,
        *,
        default_factory: Callable[[], Any] | None = None,
        alias: str | None = None,
        description: str = "",
        examples: Iterable[Any] = (),
        ge: Any = None,
        gt: Any = None,
        le: Any = None,
        max_length: int | None = None,
        min_length: int | None = None,
        pattern: str | None = None,
        strict: bool = True,
        discriminator: str | None = None,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.alias = alias
        self.description = description
        self.examples = list(examples)
        self.ge, self.gt, self.le = ge, gt, le
        self.max_length, self.min_length = max_length, min_length
        self.pattern = pattern
        self.strict = strict
        self.discriminator = discriminator
        self.annotation: Any = None
        """The type with what `Annotated` says of it; there once the model was used (`Model.model_typed`)."""

    @property
    def required(self) -> bool:
        return self.default is REQUIRED and self.default_factory is None

    def get_default(self) -> Any:
        return self.default_factory() if self.default_factory else self.default


def Field(default: Any = REQUIRED, **of: Any) -> Any:  # noqa: N802
    """A FieldInfo, in the place of a field's default or in `Annotated`."""
    return FieldInfo(default, **of)


def field_validator(*names: str, mode: str = "after") -> Callable[[Checked], Checked]:
    """A class method that takes the value of each of these fields, `before` or `after` it is checked."""

    def mark(method: Checked) -> Checked:
        function: Any = method.__func__ if isinstance(method, classmethod) else method
        function.checks = (names, mode)
        return method

    return mark


def model_validator(*, mode: str) -> Callable[[Checked], Checked]:
    """A method that looks at the whole once every field is there, and gives it back."""
    assert mode == "after"

    def mark(method: Checked) -> Checked:
        method.checks_whole = True  # type: ignore[attr-defined]
        return method

    return mark


class Model:
    """Root of every part of a configuration. `Model(...)` is checked as what a document says is."""

    model_fields: ClassVar[Mapping[str, FieldInfo]] = {}
    """By name, without their types; see `model_typed`."""
    model_fields_set: frozenset[str]
    """Names of what was given, and not taken from a default."""

    _checks: ClassVar[tuple[Any, ...]] = ()
    _whole: ClassVar[tuple[str, ...]] = ()
    _reader: ClassVar[plain.Reader | None] = None

    def __init_subclass__(cls) -> None:
        fields = dict(cls.model_fields)
        checks, whole = [*cls._checks], [*cls._whole]
        for name in cls.__annotations__ if "__annotations__" in cls.__dict__ else ():
            given = cls.__dict__.get(name, REQUIRED)
            if name.startswith(("_", "model_")):
                continue
            fields[name] = given if isinstance(given, FieldInfo) else FieldInfo(given)
            if given is not REQUIRED:
                delattr(cls, name)
        for name, each in list(cls.__dict__.items()):
            function = each.__func__ if isinstance(each, classmethod) else each
            if hasattr(function, "checks"):
                checks.append((*function.checks, name))
            if hasattr(function, "checks_whole"):
                whole.append(name)
        cls.model_fields = fields
        cls._checks, cls._whole = tuple(checks), tuple(whole)
        cls._reader = None

    def __init__(self, **given: Any) -> None:
        made = type(self).model_validate(given)
        object.__setattr__(self, "__dict__", made.__dict__)

    @classmethod
    def model_validate(cls, given: Any) -> Self:
        """The model of what a document says. Raises pydantic's ValidationError, which is a ValueError; see
        `mistakes`."""
        try:
            found = cls.model_plain(given)
        except (NotPlain, ValueError):
            from muniment.config import judge

            found = judge.validated(cls, given)
        assert isinstance(found, cls)
        return found

    @classmethod
    def model_plain(cls, given: Any) -> Any:
        """What is right at first sight. Raises NotPlain and ValueError for anything else, wrong or not."""
        if cls._reader is None:
            cls._reader = plain.reader_of_model(cls)
        return cls._reader(given)

    @classmethod
    def model_typed(cls) -> Mapping[str, FieldInfo]:
        """The fields with their types."""
        if any(info.annotation is None for info in cls.model_fields.values()):
            hints = get_type_hints(cls, include_extras=True)
            for name, info in cls.model_fields.items():
                info.annotation = hints[name]
        return cls.model_fields

    @classmethod
    def model_checks(cls, name: str, mode: str) -> list[Callable[[Any], Any]]:
        """The class's own validators of a field."""
        return [
            getattr(cls, method)
            for names, its, method in cls._checks
            if its == mode and name in names
        ]

    @classmethod
    def model_made(cls, values: dict[str, Any], given: Iterable[str]) -> Self:
        """A model of values that were checked one by one. Raises ValueError where they do not go together."""
        made = object.__new__(cls)
        object.__setattr__(made, "__dict__", {**values, "model_fields_set": frozenset(given)})
        for method in cls._whole:
            getattr(made, method)()
        return made

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The same with other values, which are not checked."""
        made = object.__new__(type(self))
        given = self.model_fields_set | update.keys()
        object.__setattr__(made, "__dict__", {**self.__dict__, **update, "model_fields_set": given})
        return made

    def model_dump(self) -> dict[str, Any]:
        """Values by name, models as dictionaries."""
        return {name: _dumped(self.__dict__[name]) for name in self.model_fields}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from muniment.config.judge import schema_of

        return schema_of(cls, handler)

    def _values(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in self.model_fields)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, Model)
            and self._values() == other._values()
        )

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.model_fields)
        return f"{type(self).__name__}({shown})"

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} does not change")


def _dumped(value: Any) -> Any:
    if isinstance(value, Model):
        return value.model_dump()
    if isinstance(value, tuple):
        return tuple(map(_dumped, value))
    if isinstance(value, Mapping):
        return {key: _dumped(each) for key, each in value.items()}
    return value


def validated(kind: Any, given: Any) -> Any:
    """What a type that a model's fields may have makes of a value. Raises as `Model.model_validate`."""
    try:
        return plain.reader(kind)(given)
    except (NotPlain, ValueError):
        from muniment.config import judge

        return judge.validated(kind, given)


def mistakes(error: ValueError) -> list[Any]:
    """What is wrong, as pydantic's `ErrorDetails`, without anything that was typed."""
    from muniment.config import judge

    return judge.mistakes(error)
