"""`heme-hooks backtest`: usage, what goes wrong, what is counted, what is refused."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.duckdb_connection import connect
from service.backtest.export import ExportNotUsable, Piece, find_files, pieces
from service.backtest.local_engine import part, part_names, patients_of
from service.backtest.merged_records import merged
from service.backtest.progress import Progress
from service.backtest.review import ReviewRefused, as_text, read_review
from service.backtest.scratch import Scratch, ScratchNotUsable
from service.backtest.set_aside import is_set_aside
from service.backtest.sift import Sifter, lines_of
from service.backtest.what_if import WhatIfRefused, read_what_if
from service.backtest.workers import sift_into
from service.cli import main
from tests.support.backtests import count, patient, record_of, result
from tests.support.backtests import lines_of as as_lines

if TYPE_CHECKING:
    from pathlib import Path

    from service.backtest.sift import Counts

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
TERMINOLOGY = default_terminology()


def backtest(*arguments: str) -> Any:
    """The command, in this process."""
    return CliRunner().invoke(main, ["backtest", *arguments])


def by_mrn(value: str) -> dict[str, Any]:
    """A subject that is named by an identifier only."""
    return {"identifier": {"system": "urn:mrn", "value": value}}


def export(folder: Path, **files: list[dict[str, Any]] | bytes) -> Path:
    """An export of one NDJSON file for each name."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else b"\n".join(as_lines(content)) + b"\n"
        (folder / f"{name}.ndjson").write_bytes(data)
    return folder


def sorted_by_patient(
    folder: Path, scratch: Path
) -> tuple[dict[str, list[dict[str, Any]]], Counts, dict[str, int]]:
    """Everybody's resources as the engine brings them together, with what was counted."""
    room = Scratch(scratch)
    room.open("test", resume=False)
    sifter = Sifter(TERMINOLOGY)
    for number, piece in enumerate(pieces(find_files([folder]))):
        sifter = Sifter(TERMINOLOGY)
        sift_into(sifter, piece, room.sifted, f"{number:03}")
    lost = part(room, "256MB", 1, parts=2)
    found: dict[str, list[dict[str, Any]]] = {}
    with connect("256MB", 1, room.temporary) as engine:
        for name in part_names(room):
            for who, lines in patients_of(engine, room.parts / name):
                found[who] = [json.loads(line) for line in lines if not is_set_aside(line)]
    whole = sifter.counts
    for counts in room.counts().values():
        whole = counts
    return found, whole, lost


def test_no_moment_in_the_period_is_told_with_what_was_found(tmp_path: Path) -> None:
    folder = export(tmp_path / "export", all=[patient(), *count(AT)])
    outcome = backtest(
        str(folder),
        "--from",
        "2020-01-01",
        "--to",
        "2020-02-01",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "report"),
    )
    assert outcome.exit_code == 3
    assert "blood counts from 2026-03-10 to 2026-03-10" in outcome.stderr
    assert not (tmp_path / "report-scratch").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "2026-01-02", "--to", "2026-01-01"),
        ("--from", "2026-01-01", "--to", "2026-02-01", "--time-zone", "Moon/Base"),
        ("--from", "yesterday", "--to", "2026-02-01"),
        ("--from", "2026-01-01"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = export(tmp_path / "export", all=[patient()])
    assert backtest(str(folder), "--out", str(tmp_path / "r"), *arguments).exit_code == 2


def test_an_export_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    folder = export(tmp_path, Patient=[patient()])
    manifest = {
        "transactionTime": "2026-01-01T00:00:00Z",
        "output": [
            {"type": "Patient", "url": "https://e.example/Patient.ndjson"},
            {"type": "Observation", "url": "https://e.example/Observation.ndjson"},
        ],
        "error": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportNotUsable, match=r"2 files, of which 1 .*Observation.ndjson"):
        find_files([folder])
    export(folder, Observation=[result("718-7", 9, "g/dL", AT)])
    assert len(find_files([folder])) == 2
    (folder / "manifest.json").write_text(json.dumps(manifest | {"error": [{"url": "x"}]}))
    with pytest.raises(ExportNotUsable, match="errors"):
        find_files([folder])


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportNotUsable):
        find_files([tmp_path])
    with pytest.raises(ExportNotUsable):
        find_files([tmp_path / "absent.ndjson"])


def test_lines_that_cannot_be_read_are_counted_and_spoil_no_other(tmp_path: Path) -> None:
    good = json.dumps(result("718-7", 9, "g/dL", AT)).encode()
    nobody = json.dumps(result("718-7", 9, "g/dL", AT, subject={"display": "somebody"})).encode()
    unknown = json.dumps(result("2951-2", 140, "mmol/L", AT)).encode()
    lines = [
        b"\xef\xbb\xbf" + good,
        b"{broken",
        b"[1]",
        good[:-2] + b'\xff"}',
        nobody,
        unknown,
        b'{"id":"x"}',
        b"",
    ]
    folder = export(tmp_path / "export", all=b"\r\n".join(lines))
    found, counts, _ = sorted_by_patient(folder, tmp_path / "scratch")
    assert [each["code"] for each in found["Patient/p1"]] == [json.loads(good)["code"]]
    assert dict(counts.unreadable) == {
        "no JSON object": 2,
        "not UTF-8": 1,
        "names no patient": 1,
        "no resource type": 1,
    }
    assert counts.unread.total() == 1


def test_a_file_that_ends_before_its_end_is_counted(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join(as_lines([patient(), *count(AT)]) * 50))
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "all.ndjson.gz").write_bytes(packed[:-12])
    _, counts, _ = sorted_by_patient(folder, tmp_path / "scratch")
    assert counts.unreadable["the file ends before its end"] == 1


def test_every_line_belongs_to_one_piece(tmp_path: Path) -> None:
    content = b"".join(b"%d\n" % number for number in range(1000))
    (tmp_path / "a.ndjson").write_bytes(content)
    (file,) = find_files([tmp_path])
    for size in (1, 7, 100, 5000):
        found: list[bytes] = []
        for start in range(0, file.size, size):
            found += lines_of(Piece(file, start, min(start + size, file.size)))
        assert b"".join(found) == content


def test_a_subject_by_identifier_and_a_merged_record_are_the_patients(tmp_path: Path) -> None:
    one = patient(
        "p1",
        identifier=[{"system": "urn:mrn", "value": "7"}],
        link=[{"type": "replaces", "other": {"reference": "Patient/old"}}],
    )
    by_identifier = result(
        "718-7",
        9,
        "g/dL",
        AT,
        name="a",
        subject=by_mrn("7"),
    )
    of_old = result("777-3", 80, "10*3/uL", AT, name="b", patient="old")
    of_nobody = result(
        "777-3",
        80,
        "10*3/uL",
        AT,
        name="c",
        subject=by_mrn("8"),
    )
    folder = export(tmp_path / "export", all=[one, by_identifier, of_old, of_nobody])
    found, _, lost = sorted_by_patient(folder, tmp_path / "scratch")
    assert {each["id"] for each in found["Patient/p1"]} == {"p1", "a", "b"}
    assert lost == {"an identifier of two patients": 0, "an identifier of nobody": 1}


def test_an_identifier_of_two_patients_is_nobodys(tmp_path: Path) -> None:
    same = [{"system": "urn:mrn", "value": "7"}]
    line = result("718-7", 9, "g/dL", AT, subject={"identifier": same[0]})
    people = [patient("p1", identifier=same), patient("p2", identifier=same)]
    folder = export(tmp_path / "export", all=[*people, line])
    found, _, lost = sorted_by_patient(folder, tmp_path / "scratch")
    assert not any(
        each["resourceType"] == "Observation" for several in found.values() for each in several
    )
    assert lost["an identifier of two patients"] == 1


def test_chains_of_merged_records_end_where_they_end() -> None:
    assert merged({"a": "b", "b": "c"}) == {"a": "c", "b": "c"}
    assert merged({"a": "b", "b": "a"}) == {}


def test_a_medication_comes_with_what_refers_to_it(tmp_path: Path) -> None:
    medicine = {"resourceType": "Medication", "id": "m1", "code": {"text": "cyanocobalamin"}}
    request = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "subject": {"reference": "Patient/p1"},
        "medicationReference": {"reference": "https://e.example/fhir/Medication/m1"},
    }
    folder = export(tmp_path / "export", all=[patient(), medicine, request, patient("p2")])
    found, _, _ = sorted_by_patient(folder, tmp_path / "scratch")
    assert {each["id"] for each in found["Patient/p1"]} == {"p1", "r", "m1"}
    assert {each["id"] for each in found["Patient/p2"]} == {"p2"}


def test_a_report_with_a_large_attachment_is_read_without_it(tmp_path: Path) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "subject": {"reference": "Patient/p1"},
        "conclusion": "Blasts are seen.",
        "presentedForm": [
            {"contentType": "application/pdf", "data": "x" * (12 * 1024 * 1024)},
            {"contentType": "text/plain", "data": "cGxhaW4="},
        ],
    }
    folder = export(tmp_path / "export", all=[patient(), report])
    found, _, _ = sorted_by_patient(folder, tmp_path / "scratch")
    (kept,) = [each for each in found["Patient/p1"] if each["id"] == "r"]
    assert kept["presentedForm"] == [
        {"contentType": "application/pdf"},
        {"contentType": "text/plain", "data": "cGxhaW4="},
    ]


def test_a_run_is_taken_up_only_when_it_is_the_same(tmp_path: Path) -> None:
    room = Scratch(tmp_path / "scratch")
    with pytest.raises(ScratchNotUsable, match="no interrupted run"):
        room.open("one", resume=True)
    assert room.open("one", resume=False) is False
    assert room.folder.stat().st_mode & 0o077 == 0
    key = room.key()
    assert room.open("one", resume=True) is True
    assert room.key() == key
    with pytest.raises(ScratchNotUsable, match="another export"):
        room.open("other", resume=True)


def test_a_folder_with_something_else_in_it_is_no_scratch(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ScratchNotUsable, match="something else"):
        Scratch(tmp_path).open("one", resume=False)
    assert (tmp_path / "thesis.txt").exists()


def test_progress_tells_how_long_it_will_take() -> None:
    told: list[str] = []
    moments = iter([0.0, 0.0, 100.0, 200.0, 400.0])
    progress = Progress(told.append, terminal=True, clock=lambda: next(moments))
    progress.stage("judging")
    progress.at(1, 4)
    progress.at(2, 4)
    progress.at(4, 4)
    assert [each.strip() for each in told] == [
        "judging",
        "judging: 25 %, about 5 min left",
        "judging: 50 %, about 3 min left",
        "judging: 100 %",
    ]


WHAT_IF = """
[limits]
missed_acute_leukemia = 0
confirmed_share = { at_least = 20 }
[[variant]]
name = "platelets below 100"
thresholds = { plt = 100 }
"""


def test_the_what_if_file(tmp_path: Path) -> None:
    path = tmp_path / "what-if.toml"
    path.write_text(WHAT_IF)
    variants, limits = read_what_if(path, frozenset({"stale-counts"}))
    assert [each.name for each in variants] == ["", "platelets below 100"]
    assert [each.findings_off for each in variants] == [("stale-counts",)] * 2
    assert variants[1].thresholds == {"plt": "100"}
    assert [(each.at_most, each.at_least) for each in limits] == [(0, None), (None, 20)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[variant]]\nname='a'\nthresholds={plz=1}", "plz"),
        ("[[variant]]\nname='a'\nfindings_off=['no-such']", "no-such"),
        ("[[variant]]\nname='a'\n[[variant]]\nname='a'", "same name"),
        ("[[variant]]\nfindings_off=[]", "name"),
        ("[limits]\nnice = 1", "nice"),
        ("[limits]\nmissed = 'few'", "number"),
        ("variants = 1", "variants"),
        ("not toml", "TOML"),
    ],
)
def test_a_what_if_file_that_says_nothing_sensible_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "what-if.toml"
    path.write_text(text)
    with pytest.raises(WhatIfRefused, match=words):
        read_what_if(path, frozenset())


def test_the_review_sheet_comes_back(tmp_path: Path) -> None:
    sheet = tmp_path / "review.csv"
    rows = [
        ("index-pattern", "apt", "Apt "),
        ("index-pattern", "apt", "arguable"),
        ("bicytopenia", "nuisance", "nuisance"),
    ]
    lines = [
        "case;finding;reviewer 1;reviewer 2",
        *(f"{n};{a};{b};{c}" for n, (a, b, c) in enumerate(rows)),
    ]
    sheet.write_text("\n".join(lines), "utf-8")
    everything, bicytopenia, index = read_review(sheet)
    assert (everything.charts, everything.apt.number, everything.apt.whole) == (3, 3, 6)
    assert (index.apt.number, index.apt.whole) == (3, 4)
    assert bicytopenia.by_word["nuisance"] == 2
    assert "10 of 18" in as_text([everything, index], {"index-pattern": "10 of 18"})
    sheet.write_text("case,finding,reviewer 1,reviewer 2\n1,x,fine,apt", "utf-8")
    with pytest.raises(ReviewRefused, match="Case 1"):
        read_review(sheet)


def test_dates_before_the_period_do_not_count(tmp_path: Path) -> None:
    """A whole run on one patient: pancytopenia before the period and in it."""
    chart = [patient(), *count(AT - timedelta(days=60)), *count(AT)]
    folder = export(tmp_path / "export", all=chart)
    outcome = backtest(
        str(folder),
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-31",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "report"),
    )
    assert outcome.exit_code == 1, outcome.stderr
    verdicts = tmp_path / "report" / "verdicts"
    judged, cards = (
        duckdb.read_parquet(str(verdicts / f"{name}.parquet")).project(columns).fetchall()
        for name, columns in (("judged", "kind, number"), ("card", "day, news"))
    )
    assert judged == [("count", 1)]
    assert cards == [("2026-03-10", "new")]
    assert "p1" not in (tmp_path / "report" / "report.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hdfs://a/export", "--out", "report"), "need --engine spark"),
        (("export", "--out", "s3a://bucket/report"), "need --engine spark"),
        (("export", "--out", "report", "--engine", "spark", "--resume"), "for the local engine"),
        (("export", "--out", "hdfs://a/report", "--engine", "spark"), "--scratch names a folder"),
    ],
)
def test_places_that_an_engine_does_not_know_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.setattr("service.commands.backtest._require_extra", lambda _: None)
    outcome = backtest(*arguments, "--from", "2026-01-01", "--to", "2026-02-01")
    assert outcome.exit_code == 2
    assert words in " ".join(outcome.stderr.split())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
ELEMENTS = ("id", "subject", "code", "identifier", "link", "participant", "contained", "period")


@given(
    kind=st.sampled_from(
        ["Observation", "Patient", "Appointment", "MedicationRequest", "Medication"]
    ),
    elements=st.dictionaries(st.sampled_from(ELEMENTS), JSON),
)
@settings(max_examples=200, deadline=None)
def test_a_line_is_read_or_counted_whatever_it_holds(kind: str, elements: dict[str, Any]) -> None:
    sifter = Sifter(TERMINOLOGY)
    line = json.dumps({"resourceType": kind, **elements}).encode()
    sifter.sift(line.replace(b"Infinity", b"1e999"))
    assert sifter.counts.lines == 1
    assert sifter.counts.unreadable.total() + sifter.counts.types.total() >= 1


def test_a_report_that_names_what_nobody_reads_is_whole(tmp_path: Path) -> None:
    """A blood count without platelets, whose report names a result of a code that nobody knows."""
    volume = result("32623-1", 9.8, "fL", AT, name="volume")
    counted = count(AT)[:2]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]},
        "effectiveDateTime": AT.isoformat(),
        "issued": (AT + timedelta(hours=1)).isoformat(),
        "result": [{"reference": f"Observation/{each['id']}"} for each in (volume, *counted)],
    }
    chart = [patient(), *counted, report]
    for name, lines, dangling in (("whole", [*chart, volume], 0), ("not", chart, 1)):
        room = Scratch(tmp_path / name)
        room.open("test", resume=False)
        folder = export(tmp_path / f"{name}-export", all=lines)
        for number, piece in enumerate(pieces(find_files([folder]))):
            sift_into(Sifter(TERMINOLOGY), piece, room.sifted, f"{number:03}")
        part(room, "256MB", 1, parts=1)
        with connect("256MB", 1, room.temporary) as engine:
            ((_, mine),) = patients_of(engine, room.parts / part_names(room)[0])
        record = record_of(mine, "p1")
        panel = record.facts_of_results(AT + timedelta(hours=2)).panel
        assert len(panel.not_delivered) == dangling
        assert record.counters["named but not in the export: result"] == dangling
