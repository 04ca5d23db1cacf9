"""Whose a resource is (clinical-definition 1.1 A2): the hook's patient's, another's, or nobody's.

FHIR R4 allows a subject to be a literal reference, an identifier, a contained Patient, a name only
or nothing at all (references.html). Either wrong guess hurts: another person's result read as this
one's, or this one's ignored in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fhir_mappings.r4.references import without_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IdentifierKey = tuple[str, str]
"""System and value as they are compared."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_PORTS = {"http": 80, "https": 443}


class Owner(Enum):
    """Whose a resource is. UNKNOWN: it names nobody, or nobody who can be matched."""

    PATIENT = "patient"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NamedPatient:
    """An included Patient resource: contained, or an entry of a Bundle."""

    id: str
    identifiers: frozenset[IdentifierKey] = frozenset()


@dataclass(frozen=True)
class PatientNames:
    """Every way in which the hook's patient may be named.

    `ids` are the Patient's own id and those of the records that its link `replaces`. `server` is
    the base URL of the FHIR server of the call, empty when the call gives none.
    """

    id: str
    replaced: frozenset[str] = frozenset()
    identifiers: frozenset[IdentifierKey] = frozenset()
    server: str = ""

    @cached_property
    def ids(self) -> frozenset[str]:
        """The id of the Patient and of every record that it replaces."""
        return self.replaced | {self.id}

    @cached_property
    def plain(self) -> str:
        """The usual reference to the patient."""
        return f"Patient/{self.id}"

    def owner(
        self,
        reference: str,
        identifier: IdentifierKey | None = None,
        *,
        patients: Mapping[str, NamedPatient] | None = None,
        full_url: str = "",
    ) -> Owner:
        """Return whom a Reference names.

        `patients` are the known Patients by the references that name them (`#p`, `urn:uuid:...`, a
        fullUrl, `Patient/x`); `full_url` is that of the entry in which the reference stands.
        """
        if reference == self.plain:
            return Owner.PATIENT
        literal = self._literal(without_version(reference), patients or {}, full_url)
        if identifier not in self.identifiers:
            return literal
        # An identifier of the patient beside a reference to another record: one of the two is
        # wrong, and nobody here can tell which.
        return Owner.UNKNOWN if literal is Owner.OTHER else Owner.PATIENT

    def _literal(
        self, reference: str, patients: Mapping[str, NamedPatient], full_url: str
    ) -> Owner:
        if not reference:
            return Owner.UNKNOWN
        if reference in patients and (owner := self._of(patients[reference])) is not Owner.UNKNOWN:
            return owner
        if reference.startswith("#"):
            return Owner.UNKNOWN
        if reference.lower().startswith("urn:"):
            # A server that keeps a transaction's uuid as the id of what it stored.
            own = reference.rpartition(":")[2] in self.ids
            return Owner.PATIENT if own else Owner.UNKNOWN
        *base, kind, last = ["", *reference.split("/")]
        if kind != "Patient" or not last:
            return Owner.UNKNOWN
        if any(base) and not self._is_own_server("/".join(base[1:]), full_url):
            return Owner.UNKNOWN
        if last in self.ids:
            return Owner.PATIENT
        # What is no id, or is one of the patient's numbers in place of the id, names no record.
        is_record = _ID.fullmatch(last) and last not in self._numbers
        return Owner.OTHER if is_record else Owner.UNKNOWN

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset(value for _, value in self.identifiers)

    def _of(self, patient: NamedPatient) -> Owner:
        if patient.id in self.ids or patient.identifiers & self.identifiers:
            return Owner.PATIENT
        return Owner.OTHER if patient.id else Owner.UNKNOWN

    def _is_own_server(self, base: str, full_url: str) -> bool:
        """Whether a base URL is the call's server, by the call or by its own answers."""
        if not self.server:
            return True
        named = _address(base)
        return named == _address(self.server) or (
            full_url.startswith("http") and named == _address("/".join(full_url.split("/")[:-2]))
        )


def identifier_key(system: str, value: str) -> IdentifierKey | None:
    """Return system and value as they are compared; None without a value."""
    value = value.strip()
    return (system.strip().casefold().rstrip("/"), value) if value else None


def identifier_keys(pairs: Iterable[tuple[str, str]]) -> frozenset[IdentifierKey]:
    """Return the keys of all identifiers that have a value."""
    keys = (identifier_key(system, value) for system, value in pairs)
    return frozenset(key for key in keys if key is not None)


def _address(url: str) -> tuple[str, int | None, str]:
    """Host, port and path of a base URL; http and https of one host are one server."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url, None, ""
    usual = port is None or port == _PORTS.get(parts.scheme)
    return (parts.hostname or "").lower(), None if usual else port, parts.path.rstrip("/")
