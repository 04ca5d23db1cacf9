"""Codes and units of a sample of patients: are their results read, and what is refused and why?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS
from service.doctor.checks import Check, ok, warning, wrong
from service.mapping_report.inputs import Trouble, server_charts
from service.mapping_report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from fhir_mappings.terminology import Terminology
    from service.fhir_client.server import FhirServer

CODES = "codes and units"
_MAPPINGS = "See docs/mappings.md, and `heme-hooks mapping report` for every row."


def check_codes(
    patient_ids: Sequence[str],
    connect: Callable[[], FhirServer],
    terminology: Terminology,
    now: datetime,
) -> Iterator[Check]:
    """Read the laboratory results of these patients as a hook call would; name no patient."""
    tally, trouble = Tally(now, terminology), Trouble()
    for chart in server_charts(patient_ids, connect, trouble, lambda _: None):
        tally.add(chart)
    for sentence, number in trouble.patients.items():
        yield wrong(CODES, f"results of {number} patients: {sentence}", "See the searches above.")
    if tally.patients:
        yield from _counted(tally)


def _counted(tally: Tally) -> Iterator[Check]:
    rows = tally.rows.values()
    read = {str(analyte) for row in rows if row.read for analyte in row.analytes}
    counts = [str(line) for line in BLOOD_COUNTS]
    if found := [name for name in counts if name in read]:
        yield ok(CODES, f"read of {tally.patients} patients: {', '.join(found)}")
    if lacking := [name for name in counts if name not in read]:
        yield warning(CODES, f"no result read of {', '.join(lacking)}", f"Local codes? {_MAPPINGS}")
    refused: Counter[str] = Counter()
    for row in rows:
        for each, number in row.refused.items():
            refused[str(each.reason)] += number
    if refused:
        reasons = ", ".join(f"{reason} {number}" for reason, number in refused.most_common(5))
        yield warning(CODES, f"results not used: {reasons}", _MAPPINGS)
    if future := sum(row.future for row in rows):
        yield warning(CODES, f"{future} results lie in the future", "Compare the clocks.")
    if unmapped := sum(row.unmapped for row in rows if row.laboratory):
        yield warning(CODES, f"{unmapped} laboratory results without a known code", _MAPPINGS)
