"""Groups of fewer than five patients are hidden, and no sum gives them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

SMALL = 5
FEW = "<5"
"""Stands for a number of patients that is small by itself."""

HIDDEN = "hidden"
"""Stands for what is small, or would give away by a sum what is."""

_Key = TypeVar("_Key", bound="Hashable")


def is_small(patients: int) -> bool:
    """Whether a group must be hidden; nobody at all is no group."""
    return 0 < patients < SMALL


def is_telling(number: int, whole: int) -> bool:
    """Whether a share would tell of a small group, or of the small rest."""
    return is_small(number) or is_small(whole - number)


def unshown(number: int, whole: int) -> str:
    """Return the word for a number that is not shown: small, all but a small rest, or hidden."""
    if is_small(number):
        return FEW
    return "nearly all" if is_small(whole - number) else HIDDEN


def listed(names: Sequence[str]) -> str:
    """Return the words for rows that are left out because they are small."""
    return f" Fewer than five patients each: {', '.join(names)}." if names else ""


def hidden(patients: Mapping[_Key, int]) -> frozenset[_Key]:
    """Return the groups to hide among those that add up to a shown whole.

    When a single group is small, its number would be the whole less the others: the smallest other
    group that is not empty goes with it. So it does while the hidden ones together are still small.
    """
    small = {key for key, number in patients.items() if is_small(number)}
    if not small:
        return frozenset()
    others = sorted(
        (key for key, number in patients.items() if number >= SMALL),
        key=lambda key: (patients[key], str(key)),
    )
    while others and (len(small) < 2 or sum(patients[key] for key in small) < SMALL):
        small.add(others.pop(0))
    return frozenset(small)


def hidden_shares(shares: Mapping[_Key, tuple[int, int]]) -> frozenset[_Key]:
    """Return the groups whose share, `(number, whole)`, is to be hidden.

    Those that tell of a small group or of a small rest, and others with them until neither all
    hidden numbers together nor all hidden rests are small: the whole tells no more.
    """
    away = {key for key, share in shares.items() if is_telling(*share)}
    if not away:
        return frozenset()
    others = sorted(
        (key for key, (_, whole) in shares.items() if whole and key not in away),
        key=lambda key: (shares[key][1], str(key)),
    )
    while others and (len(away) < 2 or _is_telling_together(shares[key] for key in away)):
        away.add(others.pop(0))
    return frozenset(away)


def _is_telling_together(shares: Iterable[tuple[int, int]]) -> bool:
    several = list(shares)
    return is_telling(sum(number for number, _ in several), sum(whole for _, whole in several))
