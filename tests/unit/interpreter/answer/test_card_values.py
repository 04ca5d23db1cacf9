"""What the value line shows of the film and of blasts, and that nothing is said twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, SmearMethod, SmearSet
from service.interpreter.interpret import interpret
from tests.support.changing import replace
from tests.support.facts import NOW, condition, count, facts, medication, on_smear, result

if TYPE_CHECKING:
    from service.interpreter.interpretation import FiredFinding, Interpretation

PLATELETS_62 = count(9.1, 4.0, 62)
PAN = count(8.9, 1.1, 84, 2.4)
DISORDER = {"conditions": (condition(ValueSetName.HEMATOLOGIC_MALIGNANCY),)}


def answer(results: list[Any], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW)


def seen(found: FiredFinding | None, what: SmearSet) -> list[str]:
    assert found is not None
    return [value.seen for value in found.values if value.what is what]


def remarks(given: Interpretation) -> str:
    return " ".join(remark.text for remark in given.remarks)


@pytest.mark.parametrize(
    ("written", "method", "shown"),
    [
        ("2+", SmearMethod.FILM, "2+"),
        ("Moderate", SmearMethod.FILM, "moderate"),
        ("", SmearMethod.FILM, "present"),
        ("x" * 300, SmearMethod.FILM, "reported"),
        ("Schistocytes 2+.", SmearMethod.NARRATIVE, "reported"),
    ],
)
def test_microangiopathy_shows_what_the_film_says(
    written: str, method: SmearMethod, shown: str
) -> None:
    film = replace(on_smear(SmearSet.SCHISTOCYTES, method=method), text=written)
    given = answer(PLATELETS_62, smear=(film,))

    assert given.overlay is not None
    assert given.overlay.id == "thrombotic-microangiopathy"
    assert seen(given.overlay, SmearSet.SCHISTOCYTES) == [shown]


def test_a_few_schistocytes_of_a_report_are_shown_as_few() -> None:
    film = replace(
        on_smear(SmearSet.SCHISTOCYTES, method=SmearMethod.NARRATIVE),
        text="Rare schistocytes are seen.",
    )
    low = [*count(9.1, 4.0, 40), result(Analyte.LACTATE_DEHYDROGENASE, "900")]

    assert seen(answer(low, smear=(film,)).overlay, SmearSet.SCHISTOCYTES) == ["rare"]


def test_what_microangiopathy_says_is_not_said_again() -> None:
    film = (on_smear(SmearSet.SCHISTOCYTES),)

    assert "Schistocytes" not in remarks(answer(PLATELETS_62, smear=film))
    assert "Schistocytes: exclude TTP" in remarks(answer(count(8.9, 1.1, 220), smear=film))


def test_new_blasts_of_a_known_disorder_are_shown_with_their_value() -> None:
    counted = [*PAN, result(Analyte.BLAST_PERCENT, "7")]
    on_film = (replace(on_smear(SmearSet.BLASTS), text="1+"),)
    by_number = answer(counted, context=DISORDER)
    by_film = answer(PAN, smear=on_film, context=DISORDER)

    for given in (by_number, by_film):
        assert given.finding is not None
        assert given.finding.id == "known-hematologic-disorder"
        assert "blasts" in given.finding.summary
    values = by_number.finding.values if by_number.finding else ()
    assert Analyte.BLAST_PERCENT in {value.what for value in values}
    assert seen(by_number.finding, SmearSet.BLASTS) == []
    assert seen(by_film.finding, SmearSet.BLASTS) == ["1+"]


def test_the_drug_of_agranulocytosis_is_to_be_stopped_and_others_reviewed() -> None:
    sets = (ValueSetName.AGRANULOCYTOSIS_DRUGS, ValueSetName.MARROW_SUPPRESSIVE_DRUGS)
    clozapine = replace(
        medication(*sets, active=True), name="clozapine", drug_class="antipsychotic"
    )
    phenytoin = replace(
        medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, active=True), name="phenytoin"
    )
    low = answer(count(13.8, 0.3, 220), context={"medications": (clozapine, phenytoin)})
    usual = answer(PAN, context={"medications": (clozapine,)})

    assert "Stop today: clozapine (antipsychotic). Review or hold today: phenytoin." in remarks(low)
    assert "Review or hold today: clozapine (antipsychotic)." in remarks(usual)
