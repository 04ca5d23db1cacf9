"""FHIR references in all their spellings: relative, absolute, versioned, `urn:uuid:`, contained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def without_version(reference: str) -> str:
    """Drop `/_history/...` and blanks."""
    return reference.strip().split("/_history/", 1)[0].rstrip("/")


def keys_of(resource_type: str, resource_id: str, full_url: str) -> tuple[str, ...]:
    """Every key under which a resource can be referred to."""
    own = (f"{resource_type}/{resource_id}",) if resource_id else ()
    url = without_version(full_url) if full_url else ""
    return (*own, url) if url else own


def key_candidates(reference: str) -> tuple[str, ...]:
    """The keys that a reference may mean: as it stands, then its last `Type/id`."""
    plain = without_version(reference)
    if not plain:
        return ()
    if plain.startswith(("urn:", "#")):
        return (plain,)
    return (plain, "/".join(plain.split("/")[-2:]))


def patient_id_of(reference: str, patient_urls: Mapping[str, str]) -> str | None:
    """Return the id of the Patient that a reference names, None when it names none.

    A `urn:uuid:` (or any URL) is resolved through the fullUrl of the Bundle's Patient entries; an
    unresolved uuid stands for itself, as servers keep it as the id.
    """
    plain = without_version(reference)
    if plain in patient_urls:
        return patient_urls[plain]
    if plain.lower().startswith("urn:uuid:"):
        return plain[len("urn:uuid:") :]
    segments = plain.split("/")
    if len(segments) >= 2 and segments[-2] == "Patient":
        return segments[-1]
    return None
