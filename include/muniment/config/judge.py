"""Judge: what is wrong with a part of a configuration, by pydantic, from the declarations of our own models.

Imported only where something was not plainly right (`muniment.config.plain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from muniment.config import schema

if TYPE_CHECKING:
    from muniment.config.schema import FieldInfo, Model

_CONFIG = pydantic.ConfigDict(
    strict=True,
    extra="forbid",
    hide_input_in_errors=True,
    validate_by_name=True,
    validate_by_alias=True,
    regex_engine="python-re",
    arbitrary_types_allowed=True,
)
_CORE_CONFIG = core_schema.CoreConfig(
    strict=True, validate_by_name=True, validate_by_alias=True, regex_engine="python-re"
)

_adapters: dict[Any, pydantic.TypeAdapter[Any]] = {}


def validated(kind: Any, given: Any) -> Any:
    """What pydantic makes of a value by a type of ours. Raises its ValidationError."""
    if kind not in _adapters:
        _adapters[kind] = pydantic.TypeAdapter(_theirs(kind), config=_CONFIG)
    return _adapters[kind].validate_python(given)


def mistakes(error: ValueError) -> list[ErrorDetails]:
    """What is wrong, in pydantic's words, without anything that was typed."""
    assert isinstance(error, pydantic.ValidationError)
    return error.errors(include_input=False, include_url=False)


def schema_of(model: type[Model], handler: pydantic.GetCoreSchemaHandler) -> CoreSchema:
    """Pydantic's schema of one of our models."""
    fields = {
        name: core_schema.typed_dict_field(
            _field(model, name, info, handler),
            required=info.required,
            validation_alias=info.alias,
        )
        for name, info in model.model_typed().items()
    }
    block = core_schema.typed_dict_schema(fields, extra_behavior="forbid", config=_CORE_CONFIG)

    def whole(given: Any, read: core_schema.ValidatorFunctionWrapHandler) -> Model:
        if isinstance(given, model):
            return given
        values = read(given)
        named = [n for n, i in model.model_typed().items() if n in given or i.alias in given]
        return model.model_made(values, named)

    return core_schema.no_info_wrap_validator_function(whole, block)


def _field(
    model: type[Model], name: str, info: FieldInfo, handler: pydantic.GetCoreSchemaHandler
) -> CoreSchema:
    made = handler.generate_schema(Annotated[_theirs(info.annotation), _their_field(info)])
    for check in model.model_checks(name, "before"):
        made = core_schema.no_info_before_validator_function(check, made)
    for check in model.model_checks(name, "after"):
        made = core_schema.no_info_after_validator_function(check, made)
    if info.required:
        return made
    if info.default_factory is not None:
        return core_schema.with_default_schema(made, default_factory=info.default_factory)
    return core_schema.with_default_schema(made, default=info.default)


def _theirs(kind: Any) -> Any:
    """A type with pydantic's words in place of ours."""
    origin = get_origin(kind)
    if origin is Annotated:
        bare, *said = get_args(kind)
        return Annotated[(_theirs(bare), *map(_their_word, said))]
    if origin in (Union, UnionType):
        return Union[tuple(map(_theirs, get_args(kind)))]  # noqa: UP007
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return origin[tuple(map(_theirs, get_args(kind)))]  # type: ignore[index]
    return kind


def _their_word(said: Any) -> Any:
    if isinstance(said, schema.BeforeValidator):
        return pydantic.BeforeValidator(said.function)
    if isinstance(said, schema.AfterValidator):
        return pydantic.AfterValidator(said.function)
    return _their_field(said) if isinstance(said, schema.FieldInfo) else said


def _their_field(info: FieldInfo) -> Any:
    limits = {n: v for n in schema.LIMITS if (v := getattr(info, n)) is not None}
    strict: Literal[False] | None = None if info.strict else False
    return pydantic.Field(strict=strict, discriminator=info.discriminator, **limits)
