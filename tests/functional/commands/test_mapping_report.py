"""`heme-hooks mapping report`: a hospital sees before go-live what would not be understood."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from werkzeug import Request, Response

from fhir_mappings.laboratory.record import read_panel
from fhir_mappings.panel import Analyte
from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.site_mappings import load_terminology
from service.cli import main
from service.mapping_report import tally as tally_module
from service.mapping_report.inputs import Trouble, ndjson_charts
from service.mapping_report.tally import Tally

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from fhir_mappings.panel import LabResult
    from fhir_mappings.terminology import Terminology

LOINC = "http://loinc.org"
LOCAL = "urn:oid:1.2.3.4.lab"
WHEN = "2026-05-14T08:00:00+02:00"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HEME_HOOKS_") and name != "HEME_HOOKS_REQUIRE_SERVERS":
            monkeypatch.delenv(name)


def result(
    code: str,
    value: Any = None,
    unit: str | None = None,
    /,
    *,
    system: str = LOINC,
    display: str = "",
    patient: str = "p1",
    **more: Any,
) -> Json:
    resource: Json = {
        "resourceType": "Observation",
        "id": f"{patient}-{code}-{value}-{unit}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": system, "code": code, "display": display}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": WHEN,
    }
    if value is not None:
        resource["valueQuantity"] = {"value": value} | ({"unit": unit} if unit else {})
    return resource | more


def bundle(*resources: Json) -> Json:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["mapping", "report", *arguments])


def report_on(tmp_path: Path, *resources: Json) -> Json:
    path = tmp_path / "chart.json"
    path.write_text(json.dumps(bundle(*resources)), "utf-8")
    outcome = report("--bundle", str(path), "--json")
    assert outcome.exit_code == 0, outcome.output
    answer: Json = json.loads(outcome.stdout)
    return answer


def row_of(answer: Json, code: str, unit: str = "") -> Json:
    (row,) = [r for r in answer["rows"] if (r["code"], r["unit"]) == (code, unit)]
    return dict(row)


def test_a_result_is_shown_with_its_analyte_canonical_unit_and_factor(tmp_path: Path) -> None:
    answer = report_on(
        tmp_path,
        result("718-7", 131, "g/L"),
        result("718-7", 128, "g/L"),
        result("8310-5", 98.6, "degF"),
    )

    assert row_of(answer, "718-7", "g/L")["readAs"] == {"Hemoglobin, g/dL, x 0.1": 2}
    assert list(row_of(answer, "8310-5", "degF")["readAs"]) == [
        "Body temperature, Cel, (value - 32) x 5 / 9"
    ]
    assert answer["results"]["understood"] == 3


def test_one_code_with_two_units_is_two_rows(tmp_path: Path) -> None:
    answer = report_on(tmp_path, result("777-3", 210, "K/uL"), result("777-3", 210000, "/uL"))

    assert row_of(answer, "777-3", "K/uL")["readAs"] == {"Platelets, 10*9/L, x 1": 1}
    assert row_of(answer, "777-3", "/uL")["readAs"] == {"Platelets, 10*9/L, x 0.001": 1}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (result("751-8", 3.1, "mmol/L"), "UNIT"),
        (result("718-7", 13.1), "UNIT"),
        (result("718-7", 131, "g/dL"), "IMPLAUSIBLE"),
        (result("777-3", 250, "/uL"), "UNIT_SUSPECT"),
        (result("718-7", 13.1, "g/dL", status="entered-in-error"), "WITHDRAWN"),
        (result("718-7", 13.1, "g/dL", effectiveDateTime=None), "NO_TIME"),
        (result("718-7"), "ABSENT"),
        (result("718-7", valueString="hemolysed"), "VALUE"),
        (result("718-7", 13.1, "g/dL", subject=None), "SUBJECT"),
        (result("718-7", 13.1, "g/dL", specimen={"display": "cord blood"}), "SPECIMEN"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_refused_result_says_why_in_a_sentence(
    tmp_path: Path, resource: Json, reason: str
) -> None:
    answer = report_on(tmp_path, resource)

    (refusal,) = answer["rows"][0]["refused"]
    assert refusal["reason"] == reason
    assert refusal["count"] == 1
    assert refusal["sentence"].endswith(".")
    assert answer["results"]["understood"] == 0


def test_what_only_another_result_of_the_patient_shows_is_counted_too(tmp_path: Path) -> None:
    """U9 and A8; the same numbers of two patients have nothing to do with each other."""
    answer = report_on(
        tmp_path,
        result("6690-2", 4.0, "10*9/L"),
        result("751-8", 9.0, "10*9/L"),
        result("718-7", 13.0, "g/dL"),
        result("718-7", 9.0, "g/dL"),
        result("751-8", 8.0, "10*9/L", patient="p2"),
        result("718-7", 7.0, "g/dL", patient="p2"),
    )

    neutrophils = row_of(answer, "751-8", "10*9/L")
    assert [r["reason"] for r in neutrophils["setAsideByAnother"]] == ["ANC_GT_WBC"]
    assert neutrophils["setAsideByAnother"][0]["count"] == 1
    assert row_of(answer, "718-7", "g/dL")["notes"] == {"CONFLICT": 1}


def test_iron_whose_unit_is_shown_wrong_by_the_saturation_is_counted(tmp_path: Path) -> None:
    """U10: 20 ug/L beside TIBC 449 ug/dL and a saturation of 4 %."""
    answer = report_on(
        tmp_path,
        result("2498-4", 20, "ug/L"),
        result("2500-7", 449, "ug/dL"),
        result("2502-3", 4, "%"),
    )

    iron = row_of(answer, "2498-4", "ug/L")
    assert [r["reason"] for r in iron["setAsideByAnother"]] == ["IRON_UNIT"]


def test_codes_without_a_meaning_are_counted_and_codes_never_read_are_named(
    tmp_path: Path,
) -> None:
    answer = report_on(
        tmp_path,
        result("2345-7", 90, "mg/dL"),
        result("4548-4", 6.1, "%", display="Hemoglobin A1c"),
        result("8867-4", 72, "/min", category=[{"coding": [{"code": "vital-signs"}]}]),
    )

    assert row_of(answer, "2345-7", "mg/dL")["unmapped"] == 1
    assert row_of(answer, "4548-4", "%")["neverRead"] == 1
    assert row_of(answer, "8867-4", "/min")["laboratory"] is False
    assert answer["results"]["unmappedLaboratory"] == 1
    assert answer["results"]["unmappedOther"] == 1
    assert answer["results"]["neverRead"] == 1


def test_a_narrative_is_one_result_however_much_it_tells(tmp_path: Path) -> None:
    text = "Blasts present. Teardrop cells seen. Dysplasia of neutrophils noted."
    answer = report_on(tmp_path, result("18314-5", valueString=text))

    assert row_of(answer, "18314-5")["count"] == 1


@pytest.mark.parametrize(
    ("code", "display", "value", "unit", "target"),
    [
        ("HB", "Haemoglobin", 131, "g/L", "718-7"),
        ("WBC", "WBC count", 5.1, "K/uL", "26464-8"),
        ("N1", "Neutrophils", 61, "%", "26511-6"),
        ("N2", "Neutrophils, absolute", 3.1, "K/uL", "26499-4"),
        ("B", "Vitamin B-12", 310, "pg/mL", "2132-9"),
        ("T", "Iron binding capacity, total", 310, "ug/dL", "2500-7"),
    ],
)
def test_pasting_a_row_for_a_local_code_makes_its_result_read(
    tmp_path: Path, code: str, display: str, value: Any, unit: str, target: str
) -> None:
    resource = result(code, value, unit, system=LOCAL, display=display)
    before = report_on(tmp_path, resource)
    assert before["results"]["understood"] == 0
    assert before["rowsToAdd"]["group"][0]["element"][0]["target"][0]["code"] == target

    after = with_rows_added(tmp_path, before, resource)

    assert after["results"]["understood"] == 1
    assert after["results"]["unmappedLaboratory"] == 0


def test_pasting_a_row_for_a_unit_makes_its_results_read(tmp_path: Path) -> None:
    results = [
        result("777-3", value, "kilo-plt", referenceRange=[{"text": "normal"}])
        for value in (210, 187, 402, 95)
    ]
    before = report_on(tmp_path, *results)
    assert row_of(before, "777-3", "kilo-plt")["refused"][0]["reason"] == "UNIT"

    after = with_rows_added(tmp_path, before, *results)

    assert row_of(after, "777-3", "kilo-plt")["readAs"] == {"Platelets, 10*9/L, x 1": 4}


def test_a_row_for_the_local_code_beside_a_wrong_loinc_code_goes_first(tmp_path: Path) -> None:
    """Segmented neutrophils in percent under the LOINC code of an absolute count."""
    codings = [
        {"system": LOINC, "code": "768-2", "display": "Neutrophils, segmented"},
        {"system": LOCAL, "code": "51256", "display": "Neutrophils, segmented"},
    ]
    segmented = result("768-2", 60, "%", code={"coding": codings})
    before = report_on(tmp_path, segmented)
    assert row_of(before, "768-2", "%")["refused"][0]["reason"] == "UNIT"
    assert before["rowsToAdd"]["group"][0]["source"] == LOCAL

    after = with_rows_added(tmp_path, before, segmented)

    assert after["results"]["understood"] == 1


@pytest.mark.parametrize(
    ("system", "code", "display", "unit"),
    [
        (LOCAL, "X", "Hemoglobin A1c", "%"),
        (LOCAL, "X", "Hemoglobin, cord blood", "g/dL"),
        (LOCAL, "X", "Urine creatinine", "mg/dL"),
        (LOCAL, "X", "WBC, ascites", "/uL"),
        (LOCAL, "X", "Mean platelet volume", "fL"),
        (LOCAL, "X", "Neutrophils", "mmol/L"),
        (LOCAL, "X", "Immature reticulocytes", "%"),
        (LOCAL, "X", "Holotranscobalamin (active B12)", "pmol/L"),
        (LOCAL, "X", "Hemoglobin", ""),
        (LOINC, "2161-8", "Creatinine", "mg/dL"),
        ("", "X", "Hemoglobin", "g/dL"),
    ],
)
def test_no_row_is_proposed_for_what_may_be_something_else(
    tmp_path: Path, system: str, code: str, display: str, unit: str
) -> None:
    answer = report_on(tmp_path, result(code, 5, unit, system=system, display=display))

    assert answer["rowsToAdd"] is None


def test_no_unit_row_is_proposed_where_two_units_would_do(tmp_path: Path) -> None:
    """6.0 may be 6.0 or 0.6 x 10*9/L; and a unit that exists is never given another meaning."""
    answer = report_on(
        tmp_path,
        result("6690-2", 6.0, "kilo-wbc"),
        result("6690-2", 18.0, "kilo-wbc"),
        result("751-8", 3.1, "mmol/L"),
    )

    assert answer["rowsToAdd"] is None


def test_the_report_names_no_patient_and_shows_no_value(tmp_path: Path) -> None:
    path = tmp_path / "chart.json"
    patient = {
        "resourceType": "Patient",
        "id": "secret-id",
        "name": [{"family": "Mustermann"}],
        "birthDate": "1950-03-04",
    }
    resources = [
        result("718-7", 11.7, "g/dL", patient="secret-id"),
        result("718-7", valueString="Mustermann 77.3", patient="secret-id"),
        result("", 12.3, "g/dL", patient="secret-id", code={"text": "Hb of Mustermann"}),
    ]
    path.write_text(json.dumps(bundle(patient, *resources)), "utf-8")

    shown = [report("--bundle", str(path)), report("--bundle", str(path), "--json")]

    for outcome in shown:
        assert outcome.exit_code == 0
        told = outcome.stdout + outcome.stderr
        for secret in ("secret-id", "Mustermann", "1950", "11.7", "77.3", "12.3"):
            assert secret not in told


def test_an_export_and_a_bundle_of_the_same_charts_are_read_alike(tmp_path: Path) -> None:
    patients = [{"resourceType": "Patient", "id": name} for name in ("p1", "p2")]
    resources = [
        result("718-7", 13.0, "g/dL"),
        result("6690-2", 4.0, "10*9/L", patient="p2"),
        result("751-8", 9.0, "10*9/L", patient="p2"),
        result("6690-2", 12.0, "10*9/L"),
        result("718-7", 13, "g/dL", specimen={"reference": "Specimen/cord"}, patient="p2"),
        {
            "resourceType": "Specimen",
            "id": "cord",
            "type": {"text": "Cord blood"},
            "subject": {"reference": "Patient/p2"},
        },
    ]
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "Patient.ndjson").write_text("\n".join(map(json.dumps, patients)) + "\n")
    (folder / "1.Observation.ndjson").write_text("\n".join(map(json.dumps, resources)) + "\n\n")

    from_bundle = report_on(tmp_path, *patients, *resources)
    outcome = report("--ndjson", str(folder), "--json")

    assert json.loads(outcome.stdout) == from_bundle
    assert from_bundle["patients"] == 2
    assert from_bundle["results"]["ofTheseSetAsideByAnother"] == 1
    assert "Observation.ndjson" in outcome.stderr


def test_a_packed_file_of_an_export_is_read_like_any_other(tmp_path: Path) -> None:
    line = json.dumps(result("718-7", 13.0, "g/dL"))
    (tmp_path / "1.ndjson").write_text(line)
    (tmp_path / "2.ndjson.gz").write_bytes(gzip.compress(line.replace("718-7", "777-3").encode()))

    answer = json.loads(report("--ndjson", str(tmp_path), "--json").stdout)

    assert answer["results"]["all"] == 2


def test_a_broken_line_of_an_export_is_counted_and_spoils_no_other(tmp_path: Path) -> None:
    lines = [json.dumps(result("718-7", 13.0, "g/dL")), "{broken", json.dumps([1])]
    (tmp_path / "Observation.ndjson").write_text("\n".join(lines))

    answer = json.loads(report("--ndjson", str(tmp_path), "--json").stdout)

    assert answer["results"]["understood"] == 1
    assert answer["unreadableEntries"] == 2


def test_the_memory_needed_does_not_grow_with_the_export(tmp_path: Path) -> None:
    filler = "x" * 2000

    def peak(patients: int) -> int:
        folder = tmp_path / str(patients)
        folder.mkdir()
        with (folder / "Observation.ndjson").open("w") as lines:
            for number in range(patients):
                note = [{"text": filler}]
                one = result("718-7", 13.0, "g/dL", patient=f"p{number}", note=note)
                lines.write(json.dumps(one) + "\n")
        counted = Tally(datetime(2026, 5, 15, tzinfo=UTC), default_terminology())
        tracemalloc.start()
        for chart in ndjson_charts(folder, default_terminology(), Trouble(), lambda _: None):
            counted.add(chart)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert counted.patients == patients
        return most

    peak(50)
    assert peak(2000) < 2000 * len(filler) / 4


def test_the_rows_of_a_report_are_bounded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tally_module, "MOST_ROWS", 3)
    answer = report_on(tmp_path, *(result(f"X{n}", 1, "g/dL", system=LOCAL) for n in range(5)))

    assert len(answer["rows"]) == 3
    assert answer["results"]["notCountedByCode"] == 2
    assert answer["results"]["all"] == 5


def test_shifted_dates_of_an_export_do_not_hide_its_codes(tmp_path: Path) -> None:
    answer = report_on(
        tmp_path, result("718-7", 13.0, "g/dL", effectiveDateTime="2164-09-24T20:21:00-04:00")
    )

    assert row_of(answer, "718-7", "g/dL")["datedInTheFuture"] == 1
    assert answer["results"]["understood"] == 1


def test_the_table_shows_each_part_and_how_much_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "chart.json"
    resources = [
        *(result("718-7", 13, unit) for unit in ("g/dL", "gm/dL", "g%")),
        result("718-7", 13, "furlong"),
        result("2345-7", 90, "mg/dL", display="Glucose"),
        result("4548-4", 6.1, "%"),
        result("HB", 13, "g/dL", system=LOCAL, display="Hemoglobin"),
    ]
    path.write_text(json.dumps(bundle(*resources)), "utf-8")

    shown = report("--bundle", str(path), "--top", "2").stdout

    assert "7 results of 1 patients." in shown
    assert "Hemoglobin, g/dL, x 1" in shown
    assert "... and 1 more rows" in shown
    assert "UNIT: The unit was not recognized." in shown
    assert "Glucose" in shown
    assert "Codes that are never read" in shown
    assert '"resourceType": "ConceptMap"' in shown


def test_a_fhir_server_is_read_page_by_page_with_the_token(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        if request.headers.get("Authorization") != "Bearer t0ken":
            return Response(status=401)
        return json_answer(page_of(request, httpserver))

    httpserver.expect_request("/fhir/Patient/gone").respond_with_data(status=404)
    httpserver.expect_request("/fhir/Patient/p1").respond_with_json(
        {"resourceType": "Patient", "id": "p1"}
    )
    httpserver.expect_request("/fhir/Observation").respond_with_handler(answer)
    (tmp_path / "ids").write_text("p1\n\ngone\nPatient/p1\n")
    (tmp_path / "token").write_text("t0ken\n")

    outcome = report(
        "--fhir-server",
        httpserver.url_for("/fhir"),
        "--patients",
        str(tmp_path / "ids"),
        "--token-file",
        str(tmp_path / "token"),
        "--json",
    )

    counted = json.loads(outcome.stdout)
    assert outcome.exit_code == 0
    assert row_of(counted, "718-7", "g/dL")["count"] == 1
    assert row_of(counted, "777-3", "K/uL")["count"] == 1
    assert row_of(counted, "8310-5", "Cel")["count"] == 1
    assert sum(counted["patientsNotRead"].values()) == 1
    assert {request.args.get("category") for request in seen} == {"laboratory", "vital-signs"}
    assert "patient 1 of" in outcome.stderr
    assert "gone" not in outcome.stdout + outcome.stderr


def page_of(request: Request, server: HTTPServer) -> Json:
    if request.args["category"] == "vital-signs":
        return bundle(
            result("8310-5", 37.1, "Cel", category=[{"coding": [{"code": "vital-signs"}]}])
        )
    if request.args.get("page") == "2":
        return bundle(result("777-3", 210, "K/uL"))
    following = server.url_for("/fhir/Observation?patient=p1&category=laboratory&page=2")
    first = bundle(result("718-7", 13.0, "g/dL"))
    return first | {"link": [{"relation": "next", "url": following}]}


def json_answer(document: Json) -> Response:
    return Response(json.dumps(document), content_type="application/fhir+json")


def test_nobody_read_at_all_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("p1\n")

    outcome = report(
        "--fhir-server", "http://127.0.0.1:9/fhir", "--patients", str(tmp_path / "ids")
    )

    assert outcome.exit_code == 1
    assert "1 patients not read: the FHIR server could not be reached." in outcome.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--fhir-server", "http://localhost/fhir"),
        ("--patients", __file__),
        ("--bundle", __file__, "--token-file", __file__),
        ("--fhir-server", "ftp://x", "--patients", __file__),
        ("--bundle", "no-such-file.json"),
    ],
)
def test_a_command_that_names_no_results_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert report(*arguments).exit_code == 2


def test_a_folder_without_an_export_is_told(tmp_path: Path) -> None:
    outcome = report("--ndjson", str(tmp_path))

    assert outcome.exit_code == 1
    assert "no .ndjson file" in outcome.stderr


def test_the_example_of_the_guide_is_a_site_mapping_that_loads(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text("utf-8")
    example = guide.split("```json\n")[1].split("```")[0]
    (tmp_path / "site.json").write_text(example, "utf-8")

    terminology = load_terminology([tmp_path / "site.json"])

    assert terminology.meaning_of("urn:oid:1.2.3.4.5", "HB") is not None
    reads = panel_reads(terminology)
    assert reads.value == 210


def panel_reads(terminology: Terminology) -> LabResult:
    document = json.dumps(bundle(result("777-3", 210, "kilo-plt"))).encode()
    panel = read_panel([document], "p1", datetime(2026, 5, 15, tzinfo=UTC), terminology)
    return panel.results[Analyte.PLATELETS][0]


def with_rows_added(tmp_path: Path, answer: Json, *resources: Json) -> Json:
    """The report once more, with the proposed ConceptMap as the site's own."""
    path = tmp_path / "site.json"
    path.write_text(json.dumps(answer["rowsToAdd"]), "utf-8")
    load_terminology([path])
    os.environ["HEME_HOOKS_SITE_MAPPINGS"] = str(path)
    try:
        return report_on(tmp_path, *resources)
    finally:
        del os.environ["HEME_HOOKS_SITE_MAPPINGS"]
