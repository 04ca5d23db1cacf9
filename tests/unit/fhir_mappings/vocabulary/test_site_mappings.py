"""A site's own ConceptMaps go first, and what is wrong with them is told by file, row and code."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, DataGroup
from fhir_mappings.units.units import UnitNotUnderstood, read_unit
from fhir_mappings.vocabulary.analytes import CodeKind, LocalCoding, default_terminology
from fhir_mappings.vocabulary.site_mappings import SiteMappingError, load_terminology

OURS = "https://heme-hooks.org/fhir/CodeSystem/"
LOCAL = "http://hospital.example/lab-codes"
UNITS = "http://hospital.example/units"
ORDERABLES = "http://hospital.example/orderables"


def element(code, *targets, equivalence="equivalent"):
    return {
        "code": code,
        "target": [{"code": t, "equivalence": equivalence} for t in targets]
        or [{"equivalence": equivalence}],
    }


def concept_map(source, target, *elements, **more):
    return {
        "resourceType": "ConceptMap",
        "name": "HospitalLab",
        "status": "active",
        "group": [{"source": source, "target": target, "element": list(elements)}],
        **more,
    }


@pytest.fixture
def load(tmp_path):
    """Write each resource to a file of its own and load the folder."""

    def write_and_load(*resources, **options):
        for number, resource in enumerate(resources, 1):
            text = resource if isinstance(resource, str) else json.dumps(resource)
            (tmp_path / f"map{number}.json").write_text(text, encoding="utf-8")
        return load_terminology([tmp_path], **options)

    return write_and_load


def problems(load, *resources, **options):
    with pytest.raises(SiteMappingError) as caught:
        load(*resources, **options)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_without_files_the_projects_own_terminology_is_used():
    assert load_terminology([]) is default_terminology()


def test_a_local_code_is_mapped_to_loinc_and_means_what_the_loinc_code_means(load):
    terminology = load(concept_map(LOCAL, "http://loinc.org", element("HB1", "718-7")))
    found = terminology.meaning_of(LOCAL, "HB1")
    assert found.analyte is Analyte.HEMOGLOBIN
    assert found.code == "718-7"
    assert found.property == "MCnc"
    assert terminology.meaning_of(LOCAL, "HB2") is None
    assert terminology.meaning_of("http://loinc.org", "718-7").analyte is Analyte.HEMOGLOBIN


def test_a_local_code_is_mapped_to_an_analyte(load):
    terminology = load(concept_map(LOCAL, f"{OURS}analyte", element("THR", "PLT")))
    found = terminology.meaning_of(LOCAL, "THR")
    assert (found.kind, found.analyte) == (CodeKind.ANALYTE, Analyte.PLATELETS)
    assert terminology.local_codes_of(DataGroup.BLOOD_COUNTS) == (LocalCoding(LOCAL, "THR"),)


@pytest.mark.parametrize(
    ("system", "target", "kind"),
    [
        ("smear-finding", "BLASTS", CodeKind.SMEAR),
        ("narrative", "blood-film", CodeKind.NARRATIVE),
        ("data-group", "bloodCounts", CodeKind.PANEL),
        ("serology-test", "HIV", CodeKind.SEROLOGY),
        ("pregnancy", "test", CodeKind.PREGNANCY),
        ("marrow", "result", CodeKind.MARROW),
    ],
)
def test_a_local_code_is_mapped_to_any_kind_of_result(load, system, target, kind):
    terminology = load(concept_map(LOCAL, OURS + system, element("X", target)))
    found = terminology.meaning_of(LOCAL, "X")
    assert (found.kind, found.target) == (kind, target)
    assert len(found.groups) == 1


def test_a_panel_may_stand_in_two_groups_of_data(load):
    mapped = element("CBC", "bloodCounts", "differential")
    found = load(concept_map(LOCAL, f"{OURS}data-group", mapped)).meaning_of(LOCAL, "CBC")
    assert found.groups == {DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL}


def test_the_sites_word_goes_before_the_projects_own(load):
    """A hospital that sends percentages under the code of the absolute count."""
    mapped = element("751-8", "NEUTPCT")
    terminology = load(concept_map("http://loinc.org", f"{OURS}analyte", mapped))
    for system in ("http://loinc.org", "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"):
        found = terminology.meaning_of(system, "751-8")
        assert found.analyte is Analyte.NEUTROPHIL_PERCENT


@pytest.mark.parametrize("equivalence", ["unmatched", "disjoint"])
def test_a_site_can_keep_a_code_from_being_read(load, equivalence):
    mapped = element("4544-3", equivalence=equivalence)
    terminology = load(concept_map("http://loinc.org", f"{OURS}analyte", mapped))
    assert terminology.meaning_of("http://loinc.org", "4544-3").kind is CodeKind.EXCLUDED


def test_a_local_unit_is_read_as_its_ucum_unit(load):
    mapped = [element("kilo-plt", "10*3/uL"), element("g/L", "g/L")]
    terminology = load(concept_map(UNITS, "http://unitsofmeasure.org", *mapped))
    assert read_unit(" kilo-plt ", terminology.definition(Analyte.PLATELETS)).factor == 1
    hemoglobin = terminology.definition(Analyte.HEMOGLOBIN)
    assert read_unit("g/L", hemoglobin).factor == Decimal("0.1")
    with pytest.raises(UnitNotUnderstood):
        read_unit("kilo-plt", default_terminology().definition(Analyte.PLATELETS))


def test_our_orders_are_mapped_to_what_the_site_orders(load):
    mapped = element("ferritin", "LAB1234")
    terminology = load(concept_map(f"{OURS}order", ORDERABLES, mapped), order_ids={"ferritin"})
    assert terminology.orderable("ferritin") == LocalCoding(ORDERABLES, "LAB1234")
    assert terminology.orderable("vitamin-b12") is None


def test_bundles_single_files_and_a_byte_order_mark_are_read(tmp_path):
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": concept_map(LOCAL, "http://loinc.org", element("HB1", "718-7"))}],
    }
    file = tmp_path / "site.json"
    file.write_text("\ufeff" + json.dumps(bundle), encoding="utf-8")
    assert load_terminology([str(file)]).meaning_of(LOCAL, "HB1").analyte is Analyte.HEMOGLOBIN


@pytest.mark.parametrize(
    ("source", "target", "row", "words"),
    [
        (LOCAL, "http://loinc.org", element("GLU", "2345-7"), "not one that this service reads"),
        (LOCAL, "http://loinc.org", element("A1C", "4548-4"), "never read"),
        (LOCAL, "http://loinc.org", element("X"), "''"),
        (LOCAL, f"{OURS}analyte", element("X", "HEMOGLOBIN"), "not a code of"),
        (LOCAL, "http://snomed.info/sct", element("X", "104141003"), "not a code of"),
        (LOCAL, "http://hospital.example/x", element("X", "104141003"), "target system"),
        (LOCAL, "http://loinc.org", element("X", "718-7", equivalence="inexact"), "inexact"),
        (LOCAL, "http://loinc.org", element("X", "718-7", "777-3"), "mapped twice"),
        (LOCAL, "http://loinc.org", {"code": "X"}, "no target"),
        (UNITS, "http://unitsofmeasure.org", element("Tsd", "10*3"), "not understood"),
        (UNITS, "http://unitsofmeasure.org", element("T", "10*3/uL", "/uL"), "mapped twice"),
        (f"{OURS}order", ORDERABLES, element("ferritine", "LAB1"), "no order of that id"),
        (f"{OURS}order", ORDERABLES, element("ferritin"), "needs"),
        (f"{OURS}order", ORDERABLES, element("ferritin", "A", "B"), "mapped twice"),
        (None, "http://loinc.org", element("X", "718-7"), "group.source"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_by_file_row_and_code(load, source, target, row, words):
    fine = element("HB1", "718-7") if target == "http://loinc.org" else None
    rows = [fine, row] if fine and source else [row]
    resource = concept_map(source or "x", target, *rows)
    if source is None:
        del resource["group"][0]["source"]
    (problem,) = problems(load, resource, order_ids={"ferritin"})
    assert "map1.json" in problem
    assert "HospitalLab" in problem
    assert f"row {len(rows)}" in problem
    assert repr(row["code"]) in problem
    assert words in problem


def test_all_problems_of_all_files_are_told_at_once(load, tmp_path):
    told = problems(
        load,
        concept_map(LOCAL, "http://loinc.org", element("A", "1-8"), element("B", "2-6")),
        concept_map(LOCAL, f"{OURS}analyte", element("C", "XYZ")),
        "{",
        {"resourceType": "Patient"},
    )
    assert len(told) == 5
    assert [line.split(",")[0].split(":")[0] for line in told] == [
        *["map1.json"] * 2,
        *["map2.json", "map3.json", "map4.json"],
    ]


def test_two_files_that_contradict_each_other_are_told(load):
    (problem,) = problems(
        load,
        concept_map(LOCAL, "http://loinc.org", element("HB", "718-7")),
        concept_map(LOCAL, "http://loinc.org", element("HB", "777-3")),
    )
    assert "map2.json" in problem
    assert "'HB'" in problem


def test_what_is_not_a_valid_conceptmap_is_named_by_its_row_and_code(load):
    broken = concept_map(LOCAL, "http://loinc.org", element("HB1", "718-7"))
    broken["group"][0]["element"].append({"code": "PLT9", "target": [{"code": "777-3"}]})
    (problem,) = problems(load, broken)
    assert "map1.json" in problem
    assert "element[2]" in problem
    assert "'PLT9'" in problem


def test_a_path_that_is_not_there_is_told(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SiteMappingError) as caught:
        load_terminology([tmp_path / "no.json", empty])
    assert len(caught.value.problems) == 2
