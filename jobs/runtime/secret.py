"""`Secret[str]`: an argument that is encrypted wherever it rests, and plain only for the job that reveals it."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, core_schema, to_json

from webapp.core import crypto, hidden

T = TypeVar("T")

# An object with this key alone is a secret in its encrypted form.
SEALED = "$secret"


class Secret(Generic[T]):
    """A value that shows itself nowhere; `reveal` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return hidden.HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take the value, a secret, or its encrypted form; write the encrypted form."""
        inner = get_args(source)[0] if get_args(source) else str
        return core_schema.no_info_wrap_validator_function(
            _open, handler.generate_schema(inner), serialization=core_schema.plain_serializer_function_ser_schema(_seal)
        )


def holds_secret(value: Any) -> bool:
    """True when there is a secret in its encrypted form anywhere in these JSON values."""
    match value:
        case dict():
            return value.keys() == {SEALED} or any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
    return False


def _open(value: Any, validate: ValidatorFunctionWrapHandler) -> Secret[Any]:
    if isinstance(value, Secret):
        value = value.reveal()
    elif isinstance(value, dict) and value.keys() == {SEALED}:
        value = json.loads(crypto.decrypt(str(value[SEALED])))
    hidden.keep(str(value))
    return Secret(validate(value))


def _seal(secret: Secret[Any]) -> dict[str, str]:
    return {SEALED: crypto.encrypt(to_json(secret.reveal()).decode())}
