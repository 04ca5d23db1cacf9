"""Everything about the patient that is not a laboratory result, read from FHIR documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.conditions import read_conditions
from fhir_mappings.clinical_context.draft_orders import open_drafts, read_medication_drafts
from fhir_mappings.clinical_context.encounters import read_encounters
from fhir_mappings.clinical_context.existing_orders import read_existing_orders
from fhir_mappings.clinical_context.medications import read_medications
from fhir_mappings.clinical_context.patient_resources import open_chart
from fhir_mappings.clinical_context.procedures import read_imaging, read_procedures
from fhir_mappings.context import ClinicalContext
from fhir_mappings.panel import CONTEXT_GROUPS, DataGroup
from fhir_mappings.r4.decoding import no_limit
from fhir_mappings.r4.subjects import PatientNames
from fhir_mappings.vocabulary.orders import NO_ORDERABLES
from fhir_mappings.vocabulary.site_context import NO_SITE_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from fhir_mappings.terminology import LocalCoding


def read_context(
    documents: Mapping[DataGroup, Iterable[bytes]],
    draft_orders: bytes | None,
    selections: tuple[str, ...],
    patient_id: str,
    now: datetime,
    orderables: Mapping[str, LocalCoding] = NO_ORDERABLES,
    *,
    only_selected: bool = False,
    names: PatientNames | None = None,
    site_codes: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = NO_SITE_CODES,
    before_each: Callable[[], None] = no_limit,
) -> ClinicalContext:
    """Read the context documents and the hook's drafts. Raises nothing.

    Only resources of this patient count, by `names` where it has more than its id. Which of them
    are recent enough is the interpreter's question; `now` only tells whether something has begun
    or ended. What could not be read stands in `unreadable`. `orderables` are the site's own order
    codes, by order id; `site_codes` say what its other codes stand for. `only_selected` is handed
    on. `before_each` is called before each resource is read, and may end it all by raising.
    """
    groups = (DataGroup.PATIENT, *CONTEXT_GROUPS)
    names = names or PatientNames(patient_id)
    everything = (d for group in groups for d in documents.get(group, ()))
    chart = open_chart(everything, names, site_codes, before_each)
    drafts = open_drafts(draft_orders, names, site_codes)
    today = now.date()
    return ClinicalContext(
        conditions=tuple(read_conditions(chart, today)),
        medications=tuple(read_medications(chart, today)),
        procedures=tuple(read_procedures(chart)),
        orders=(
            *read_existing_orders(chart, orderables=orderables),
            *read_existing_orders(drafts, drafted=True, orderables=orderables),
        ),
        encounters=tuple(read_encounters(chart)),
        imaging=tuple(read_imaging(chart)),
        drafts=tuple(read_medication_drafts(drafts, chart, selections)),
        only_selected=only_selected,
        unreadable=(*chart.unreadable, *drafts.unreadable),
        of_others=chart.of_others,
        of_nobody=chart.of_nobody,
    )
