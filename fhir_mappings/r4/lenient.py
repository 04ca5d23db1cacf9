"""The second, tolerant pass over a resource that did not fit its type.

Charts hold a null, an empty string, a single object where FHIR wants a list, and they hold it
beside a hemoglobin that is perfectly readable. Here every field is fitted on its own: what fits is
kept, what does not is left at its default and named, so that only a broken code, status, subject,
time or value can make a result unusable.
"""

from __future__ import annotations

import json
import types
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Union, get_args, get_origin

import msgspec


class AllOrNothing(msgspec.Struct, frozen=True):
    """A Struct used whole or not at all: a Quantity without its comparator is another value."""


_UNFIT: Any = object()
_GENERIC = msgspec.json.Decoder(float_hook=Decimal)


def parse_json(document: bytes | msgspec.Raw) -> Any:  # noqa: ANN401  any JSON value
    """Parse JSON to plain values with exact numbers, forgiving NaN, a stray byte, huge integers.

    Raises ValueError (msgspec's and json's own errors are ValueErrors) or RecursionError.
    """
    try:
        return _GENERIC.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = bytes(document).decode("utf-8", "replace")
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=str)


def decode_leniently(value: object, kind: type[msgspec.Struct]) -> tuple[Any, frozenset[str]]:
    """Fit a parsed JSON object to a Struct, field by field.

    Returns the Struct, or None when `value` is no JSON object, with the names of the top-level
    fields in which something had to be left out. A null is an absent field, not a broken one.
    """
    if not isinstance(value, dict):
        return None, frozenset()
    fitted: dict[str, Any] = {}
    unreadable_fields: set[str] = set()
    for name, json_name, wanted in _fields(kind):
        given = value.get(json_name)
        if given is None:
            continue
        losses: list[bool] = []
        result = _fit(given, wanted, losses)
        if losses:
            unreadable_fields.add(name)
        if result is not _UNFIT:
            fitted[name] = result
    return kind(**fitted), frozenset(unreadable_fields)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((f.name, f.encode_name, f.type) for f in msgspec.structs.fields(kind))


def _fit(value: object, wanted: Any, losses: list[bool]) -> Any:  # noqa: ANN401
    """One value as `wanted`, or _UNFIT; every part left out is added to `losses`."""
    if get_origin(wanted) in {Union, types.UnionType}:
        wanted = next(kind for kind in get_args(wanted) if kind is not type(None))
    if wanted is Any:
        return value
    if wanted is msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(value))
    if get_origin(wanted) is list:
        return _fit_list(value, get_args(wanted)[0], losses)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _fit_struct(value, wanted, losses)
    fitted = _fit_scalar(value, wanted)
    if fitted is _UNFIT:
        losses.append(True)
    return fitted


def _fit_list(value: object, wanted: Any, losses: list[bool]) -> list[Any]:  # noqa: ANN401
    items = value if isinstance(value, list) else [value]
    fitted = (_fit(item, wanted, losses) for item in items if item is not None)
    return [item for item in fitted if item is not _UNFIT]


def _fit_struct(value: object, wanted: type[msgspec.Struct], losses: list[bool]) -> Any:  # noqa: ANN401
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    struct, unreadable_fields = decode_leniently(value, wanted)
    if unreadable_fields or struct is None:
        losses.append(True)
    if struct is None or (unreadable_fields and issubclass(wanted, AllOrNothing)):
        return _UNFIT
    return struct


def _fit_scalar(value: object, wanted: Any) -> Any:  # noqa: ANN401
    if wanted is bool:
        words = {"true": True, "false": False}
        return words.get(str(value).strip().lower(), _UNFIT)
    if isinstance(value, bool):
        return _UNFIT
    if wanted is str and isinstance(value, str | int | Decimal):
        return str(value).encode("utf-8", "replace").decode()
    if wanted is Decimal and isinstance(value, str | int | Decimal):
        return _decimal(value)
    return _UNFIT


def _decimal(value: str | int | Decimal) -> Any:  # noqa: ANN401
    try:
        return Decimal(value)
    except InvalidOperation:
        return _UNFIT
