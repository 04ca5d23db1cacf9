"""The Patient of the call."""

from __future__ import annotations

from datetime import date

import pytest

from fhir_mappings.clinical_context.patient import PatientUnreadable, read_patient
from fhir_mappings.context import Sex
from tests.support.fhir import as_bytes, bundle


def patient(**fields):
    return read_patient(as_bytes({"resourceType": "Patient", "id": "p"} | fields), "p")


def test_sex_and_birth_date_are_read():
    found = patient(gender="female", birthDate="1959-03-07")
    assert (found.id, found.sex, found.birth_date) == ("p", Sex.FEMALE, date(1959, 3, 7))
    assert not found.deceased
    assert not found.replaced


@pytest.mark.parametrize(
    ("gender", "sex"),
    [("Male", Sex.MALE), (" female ", Sex.FEMALE), ("other", Sex.OTHER), ("unknown", Sex.UNKNOWN),
     ("x", Sex.UNKNOWN), (None, Sex.UNKNOWN), (3, Sex.UNKNOWN)],
)  # fmt: skip
def test_any_gender_is_read_or_unknown(gender, sex):
    assert patient(gender=gender).sex is sex


@pytest.mark.parametrize(
    ("birth_date", "day"),
    [("1959", date(1959, 12, 31)), ("1959-02", date(1959, 2, 28)), ("1859-02-01", date(1859, 2, 1)),
     ("1959-02-30", None), ("", None), (None, None), ("07.03.1959", None)],
)  # fmt: skip
def test_a_partial_birth_date_is_the_youngest_reading(birth_date, day):
    assert patient(birthDate=birth_date).birth_date == day


@pytest.mark.parametrize(
    ("fields", "deceased"),
    [
        ({"deceasedBoolean": True}, True),
        ({"deceasedBoolean": "true"}, True),
        ({"deceasedBoolean": False}, False),
        ({"deceasedDateTime": "2026-01"}, True),
        ({"deceasedDateTime": {}}, True),
        ({"deceasedDateTime": None}, False),
    ],
)
def test_death_in_any_form_counts(fields, deceased):
    assert patient(**fields).deceased is deceased


def test_a_replaced_patient_is_told():
    assert patient(link=[{"type": "replaced-by", "other": {"reference": "Patient/q"}}]).replaced
    assert not patient(link=[{"type": "seealso"}]).replaced


def test_the_patient_may_stand_in_a_bundle():
    wanted = {"resourceType": "Patient", "id": "p", "gender": "male"}
    other = {"resourceType": "Patient", "id": "q", "gender": "female"}
    assert read_patient(as_bytes(bundle(other, wanted)), "Patient/p").sex is Sex.MALE


@pytest.mark.parametrize(
    "document",
    [b"", b"null", b"{}", b"[" * 100_000, b'{"resourceType":"Patient","id":"other"}',
     b'{"resourceType":"OperationOutcome"}', b'{"resourceType":"Bundle"}',
     b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}},'
     b'{"resource":{"resourceType":"Patient","id":"q"}}]}'],
)  # fmt: skip
def test_no_patient_or_only_another_is_an_error_that_quotes_nothing(document):
    with pytest.raises(PatientUnreadable) as error:
        read_patient(document, "p")
    assert "other" not in str(error.value)
