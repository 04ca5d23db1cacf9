"""What a site's own codes of conditions, medicines, procedures and encounters mean."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_mappings.r4.decoding import Coding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.terminology import LocalCoding

NO_SITE_CODES: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = MappingProxyType({})
"""A site that maps none."""


def translated(
    codings: Iterable[Coding], site: Mapping[tuple[str, str], tuple[LocalCoding, ...]]
) -> tuple[Coding, ...]:
    """Return the codings with each mapped one replaced; a code that must not be read is left out.

    A replaced code keeps its name, when it has one.
    """
    if not site:
        return tuple(codings)
    return tuple(
        meant
        for coding in codings
        for meant in _meant(coding, site.get((coding.system.strip(), coding.code.strip())))
    )


def _meant(coding: Coding, targets: tuple[LocalCoding, ...] | None) -> tuple[Coding, ...]:
    if targets is None:
        return (coding,)
    return tuple(
        Coding(target.system, target.code, coding.display or target.display) for target in targets
    )


def is_unread(
    codings: Iterable[Coding], site: Mapping[tuple[str, str], tuple[LocalCoding, ...]]
) -> bool:
    """Whether the site says of one of the codings that it must never be read."""
    return bool(site) and any(
        site.get((coding.system.strip(), coding.code.strip())) == () for coding in codings
    )
