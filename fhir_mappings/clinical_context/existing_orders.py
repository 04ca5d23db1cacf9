"""ServiceRequests that exist already, in the chart or in the hook's draftOrders (4.3, M4, M5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.patient_resources import source_of
from fhir_mappings.context import ExistingOrder
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import ServiceRequestResource
from fhir_mappings.vocabulary.orders import NO_ORDERABLES, order_ids_for
from fhir_mappings.vocabulary.value_sets import sets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fhir_mappings.clinical_context.patient_resources import PatientResources
    from fhir_mappings.terminology import LocalCoding

_VOID = frozenset({"entered-in-error"})


def read_existing_orders(
    chart: PatientResources,
    *,
    drafted: bool = False,
    orderables: Mapping[str, LocalCoding] = NO_ORDERABLES,
) -> Iterator[ExistingOrder]:
    """Yield the ServiceRequests that carry the code of an order or of a value set.

    Orders not to do something are left out. A drafted one without a subject belongs to the hook's
    patient; any other without one is nobody's.
    """
    for resource in chart.of_type(ServiceRequestResource):
        codings = loose.codings(resource.code)
        orders, sets = order_ids_for(codings, orderables), sets_of(chart.codings(resource.code))
        if not (orders or sets) or not _counts(resource, chart, drafted=drafted):
            continue
        yield ExistingOrder(
            orders=orders,
            sets=sets,
            status=next(iter(loose.codes(resource.status)), ""),
            authored=loose.moment(resource.authoredOn) or loose.moment(resource.occurrenceDateTime),
            drafted=drafted,
            source=source_of(resource, "ServiceRequest"),
        )


def _counts(resource: ServiceRequestResource, chart: PatientResources, *, drafted: bool) -> bool:
    if loose.codes(resource.status) & _VOID:
        return False
    if resource.doNotPerform is True:
        return False
    subject = resource.subject
    return chart.is_patient(subject) or (drafted and not loose.reference(subject))
