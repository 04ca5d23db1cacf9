"""Searches by code, cut to a size that FHIR servers answer fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENT_TOKEN = "{{context.patientId}}"  # noqa: S105  a prefetch token, not a secret
_COMMA = re.compile(r"(?<!\\),")
_SPECIAL = re.compile(r"[\\,|$]")
_SINCE = "ge"
_DAYS_AGO = re.compile(r"ge\{\{today\(\) - (?P<days>[1-9][0-9]{0,4}) days\}\}")


def since_days_ago(days: int) -> str:
    """Write a date parameter's value: from so many days ago on (CDS Hooks 3.0.0-ballot, June 2026).

    Clients of 2.0 do not know `today()`.
    """
    return f"{_SINCE}{{{{today() - {days} days}}}}"


def token_of(system: str, code: str) -> str:
    """Write a coding as a search token (FHIR R4, search.html#token and #escaping)."""
    escaped = _SPECIAL.sub(lambda match: "\\" + match.group(), code)
    return f"{system}|{escaped}" if system else escaped


@dataclass(frozen=True, slots=True)
class Template:
    """One prefetch template, parsed: a read (`Patient/{{context.patientId}}`) or one search."""

    resource_type: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether it reads one resource rather than searches."""
        return not self.parameters

    @property
    def codes(self) -> tuple[str, ...]:
        """The tokens of its code parameter."""
        text = dict(self.parameters).get("code", "")
        return tuple(_COMMA.split(text)) if text else ()

    def with_codes(self, tokens: Iterable[str]) -> Template:
        """Return the same search for more codes."""
        codes = dict.fromkeys((*self.codes, *tokens))
        return Template(self.resource_type, self._with("code", ",".join(codes)))

    def on(self, today: date) -> Template:
        """Return the same search with the date that its token means on this day."""
        text = dict(self.parameters).get("date", "")
        if (token := _DAYS_AGO.fullmatch(text)) is None:
            return self
        since = today - timedelta(days=int(token["days"]))
        return Template(self.resource_type, self._with("date", f"{_SINCE}{since}"))

    @property
    def since(self) -> date | None:
        """The first day that is asked for; None when the search has no date.

        Raises ValueError while the date is a token that `on` has not replaced.
        """
        text = dict(self.parameters).get("date")
        return None if text is None else date.fromisoformat(text.removeprefix(_SINCE))

    def without_count(self) -> Template:
        """Return the same search without a page size."""
        kept = tuple((name, value) for name, value in self.parameters if name != "_count")
        return Template(self.resource_type, kept)

    def queries(self, patient_id: str, most_codes: int) -> tuple[str, ...]:
        """The searches to run, URL-encoded, each with at most `most_codes` codes, evenly cut."""
        codes = self.codes
        if not codes:
            return (self._query(patient_id, self.parameters),)
        return tuple(
            self._query(patient_id, self._with("code", ",".join(part)))
            for part in _evenly(codes, most_codes)
        )

    def query_by_category(self, patient_id: str, category: str) -> str:
        """The search of the same type by category, for servers that refuse a search by code."""
        kept = tuple((name, value) for name, value in self.parameters if name != "code")
        return self._query(patient_id, (*kept, ("category", category)))

    def _with(self, name: str, value: str) -> tuple[tuple[str, str], ...]:
        return tuple((n, value if n == name else v) for n, v in self.parameters)

    def _query(self, patient_id: str, parameters: tuple[tuple[str, str], ...]) -> str:
        encoded = "&".join(
            f"{quote(name, safe='-_:.')}={_encoded(value, patient_id)}"
            for name, value in parameters
        )
        return f"{self.resource_type}?{encoded}"


def parse_template(text: str) -> Template:
    """Parse a template of cds-services.json.

    Raises ValueError when it is neither a read of one resource by `context.patientId` nor a search
    that names each parameter once (a client was seen to join repeated ones with a comma), or when
    it holds another token than the patient's id and the date of `since_days_ago`.
    """
    path, question, query = text.partition("?")
    if not question:
        resource_type, _, token = path.partition("/")
        if token != PATIENT_TOKEN:
            raise ValueError("a read template must end in {{context.patientId}}")
        return Template(resource_type)
    pairs = tuple(
        (name, value) for name, _, value in (part.partition("=") for part in query.split("&"))
    )
    if len({name for name, _ in pairs}) != len(pairs) or not all(value for _, value in pairs):
        raise ValueError("a search template must give each parameter one value, once")
    tokens = dict(pairs)
    if _DAYS_AGO.fullmatch(tokens.get("date", "")):
        del tokens["date"]
    if any("{{" in value.replace(PATIENT_TOKEN, "") for value in tokens.values()):
        raise ValueError(
            "only {{context.patientId}} and date=ge{{today() - N days}} may stand in a template"
        )
    return Template(path, pairs)


def _encoded(value: str, patient_id: str) -> str:
    """Encode the template's text and the patient's id separately, so that neither can break out."""
    return quote(patient_id, safe="").join(
        quote(part, safe=",:/-._~") for part in value.split(PATIENT_TOKEN)
    )


def _evenly(codes: tuple[str, ...], most: int) -> list[tuple[str, ...]]:
    parts = -(-len(codes) // most)
    size, larger = divmod(len(codes), parts)
    cuts = [index * size + min(index, larger) for index in range(parts + 1)]
    return [codes[start:end] for start, end in pairwise(cuts)]
