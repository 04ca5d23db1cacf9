"""R1: what was read, what was not, and what that does to the figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.backtest.figures.part import Part, Table
from service.backtest.persons import READ_AGAIN
from service.backtest.plan import LONGEST_WINDOW
from service.backtest.sift import Counts, coding_of
from service.backtest.small_groups import FEW, is_small

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.backtest.figures.part import Cell
    from service.backtest.plan import Plan
    from service.backtest.tables import Tables

ABSENCES = {
    "Patient": "Nobody can be judged: age, sex and death are not known.",
    "Observation": "Nobody can be judged: there is no blood count.",
    "Encounter": "Nobody is in hospital, so that bicytopenia is overstated; no openings of charts;"
    " no places and clinicians; visits to hematology do not count.",
    "Condition": "No disease is known, new or old: nothing is silenced by it, nothing confirmed,"
    " nothing missed.",
    "DiagnosticReport": "Smears and marrows that stand only in reports are not seen, nor imaging.",
    "Procedure": "Transfusions, marrow examinations and transplants are not seen.",
    "MedicationRequest": "Chemotherapy and other medicines are seen only as far as they were given"
    " or stated; treatment begun is understated.",
    "MedicationAdministration": "Medicines given in hospital are not seen.",
    "MedicationStatement": "Medicines that a patient takes from elsewhere are not seen.",
    "Medication": "Medicines that are named by reference only have no name.",
    "ServiceRequest": "Referrals and orders that stand are not seen: more is proposed than would"
    " be, and fewer actions are found.",
    "Appointment": "Booked visits to hematology are not seen.",
    "Specimen": "Where a sample comes from is known only where its result says so.",
}
"""What the absence of a type of resource does."""

MOST_UNREADABLE = 0.01
"""A larger share of unreadable lines makes the report incomplete."""

_MOST_CODES = 50


def reading(
    tables: Tables, counts: Mapping[str, Counts], lost: Mapping[str, int], plan: Plan
) -> tuple[Part, list[str]]:
    """Return the part, and what makes the run incomplete, in words."""
    whole = _added(counts)
    absent = [(kind, words) for kind, words in ABSENCES.items() if not whole.types[kind]]
    incomplete = _incomplete(tables, whole, plan)
    parts = (
        _types(whole, counts),
        _unreadable(counts, lost),
        Table(
            "absent",
            "Types of resources that the export does not hold",
            ("resource", "what that does"),
            tuple(absent),
        ),
        _window_table(tables, plan),
        _counters(tables),
        _mapping(tables),
        _unread_codes(whole),
        _failures(tables),
    )
    return Part("R1", "What was read", tables=parts), incomplete


def _added(counts: Mapping[str, Counts]) -> Counts:
    whole = Counts()
    for each in counts.values():
        whole.add(each)
    return whole


def _incomplete(tables: Tables, whole: Counts, plan: Plan) -> list[str]:
    said: list[str] = []
    unreadable = whole.unreadable.total()
    if whole.lines and unreadable / whole.lines > MOST_UNREADABLE:
        said.append(f"{100 * unreadable / whole.lines:.1f} % of the lines could not be read.")
    if "the file ends before its end" in whole.unreadable:
        said.append("A file ends before its end: its rest was not read.")
    if failed := tables.number("SELECT count(DISTINCT patient) FROM failure"):
        number = FEW if is_small(failed) else failed
        said.append(f"Patients who could not be judged: {number}.")
    for kind in ("Encounter", "Condition"):
        if not whole.types[kind]:
            said.append(f"The export holds no {kind}. {ABSENCES[kind]}")
    for window in _windows(tables, plan):
        if window.whole and window.number / window.whole > MOST_UNREADABLE:
            said.append(window.sentence)
    return said


@dataclass(frozen=True, slots=True)
class _Window:
    """How many moments or episodes have less record around them than is looked at."""

    what: str
    number: int
    whole: int
    sentence: str


def _windows(tables: Tables, plan: Plan) -> tuple[_Window, ...]:
    ((short, judged),) = tables.rows(
        "SELECT coalesce(sum(short_history), 0), coalesce(sum(number), 0) FROM judged "
        "WHERE variant = '' AND kind = 'count'"
    )
    ((few, episodes),) = tables.rows(
        'SELECT count(*) FILTER (NOT "full"), count(*) FROM episode '
        "WHERE variant = '' AND finding = 'any'"
    )
    return (
        _Window(
            "blood counts with a shorter history than the longest window"
            f" ({LONGEST_WINDOW.days} days)",
            short,
            judged,
            f"At {_of(short, judged)} blood counts the record goes back less than the longest"
            f" window of the rules ({LONGEST_WINDOW.days} days).",
        ),
        _Window(
            f"episodes with less record after them than the follow-up ({plan.follow_up} days)",
            few,
            episodes,
            f"{_of(few, episodes)} episodes have less than {plan.follow_up} days of record after"
            " them.",
        ),
    )


def _of(number: int, whole: int) -> str:
    return f"{number} of {whole}"


def _window_table(tables: Tables, plan: Plan) -> Table:
    return Table(
        "windows",
        "Record before and after",
        ("what", "number", "of"),
        tuple((each.what, each.number, each.whole) for each in _windows(tables, plan)),
    )


def _types(whole: Counts, counts: Mapping[str, Counts]) -> Table:
    rows = []
    for kind, lines in sorted(whole.types.items(), key=lambda item: (-item[1], item[0])):
        files = sum(1 for each in counts.values() if each.types[kind])
        kept = whole.kept[kind] if kind in ABSENCES else None
        rows.append((kind, files, lines, kept, whole.first.get(kind, ""), whole.last.get(kind, "")))
    return Table(
        "types",
        "Resources, by type",
        ("resource", "files", "lines", "lines that are read", "first day", "last day"),
        tuple(rows),
        "Results of codes that nothing asks for are counted and not read.",
    )


def _unreadable(counts: Mapping[str, Counts], lost: Mapping[str, int]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, each in sorted(counts.items()):
        rows += [(name, reason, n) for reason, n in sorted(each.unreadable.items())]
    rows += [("(all)", reason, n) for reason, n in sorted(lost.items()) if n]
    return Table(
        "unreadable", "Lines that could not be used", ("file", "reason", "lines"), tuple(rows)
    )


def _counters(tables: Tables) -> Table:
    rows = tables.rows(
        "SELECT entry.key, sum(entry.value)::BIGINT, count(DISTINCT patient) FROM "
        "(SELECT patient, unnest(map_entries(counters)) AS entry FROM person) "
        "WHERE entry.key <> ? GROUP BY ALL ORDER BY 2 DESC, 1",
        READ_AGAIN,
    )
    shown = tuple((name, FEW if is_small(patients) else n) for name, n, patients in rows)
    return Table(
        "set-aside",
        "Undated, unended, void, or named and not there",
        ("what", "resources"),
        shown,
        "What has no date that tells when it was known is not used to silence a card. What a panel"
        " (hasMember) or a report (result) names and the export does not hold may each be a blood"
        " count: a live call would read it by its id.",
    )


def _mapping(tables: Tables) -> Table:
    understood = tables.rows(
        "SELECT entry.key, sum(entry.value)::BIGINT, count(DISTINCT patient) FROM "
        "(SELECT patient, unnest(map_entries(results)) AS entry FROM person) "
        "GROUP BY ALL ORDER BY 1"
    )
    refused = tables.rows(
        "SELECT entry.key, sum(entry.value)::BIGINT, count(DISTINCT patient) FROM "
        "(SELECT patient, unnest(map_entries(refused)) AS entry FROM person) "
        "GROUP BY ALL ORDER BY 1"
    )
    by_analyte: dict[str, list[str]] = {}
    for key, number, patients in refused:
        analyte, _, reason = key.partition("/")
        shown = FEW if is_small(patients) else number
        by_analyte.setdefault(analyte, []).append(f"{reason}: {shown}")
    numbers: dict[str, Cell] = {
        analyte: FEW if is_small(patients) else n for analyte, n, patients in understood
    }
    rows = tuple(
        (analyte, numbers.get(analyte, 0), "; ".join(by_analyte.get(analyte, ())))
        for analyte in sorted({*numbers, *by_analyte})
    )
    return Table(
        "mapping",
        "Results as they were understood",
        ("analyte", "understood (one a specimen)", "refused, by reason"),
        rows,
        "`heme-hooks mapping report --ndjson` shows the same by code and unit.",
    )


def _unread_codes(whole: Counts) -> Table:
    by_code: Counter[str] = Counter()
    for code, number in whole.unread.items():
        by_code[coding_of(code)] += number
    listed = sorted(by_code.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CODES]
    rows = [(code, FEW if is_small(number) else number) for code, number in listed]
    return Table(
        "codes-not-read",
        f"Codes that nothing asks for, the {_MOST_CODES} most frequent",
        ("code", "results"),
        tuple(rows),
        "A blood count among these is a code that the site's ConceptMap must name.",
    )


def _failures(tables: Tables) -> Table:
    rows = tables.rows(
        "SELECT error, source_line, count(DISTINCT patient) FROM failure "
        "GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    )
    return Table(
        "failures",
        "Patients who could not be judged",
        ("error", "where", "patients"),
        tuple((error, place, FEW if is_small(n) else n) for error, place, n in rows),
    )
