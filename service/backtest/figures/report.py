"""The whole report from the tables: its parts, the box, and the first page's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.backtest.figures.box import verdict_box
from service.backtest.figures.burden import burden, findings, where
from service.backtest.figures.groups import groups
from service.backtest.figures.outcomes import missed, open_loops, right
from service.backtest.figures.part import Answer, Measures, Report
from service.backtest.figures.reading import reading
from service.backtest.figures.variants import variants
from service.backtest.plan import BASE
from service.backtest.small_groups import FEW, HIDDEN, is_small, is_telling, unshown
from service.backtest.statistics import Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.backtest.plan import Plan
    from service.backtest.sift import Counts
    from service.backtest.tables import Tables

CANNOT_TELL = (
    "Earlier versions of corrected results, a problem list edited since, and orders that were"
    " placed and cancelled are not in an export: the record is taken as it stands, less what became"
    " known later.",
    "When charts were opened is estimated: the start of each Encounter, and 08:00 of each further"
    " day of a stay.",
    "Members of panels and reports that the export does not hold would be read by id in a live"
    " call. Here they are missing.",
    "What the record does not say did not necessarily not happen: confirmed shares are lower"
    " bounds, open loops are upper ones.",
)


def report_of(
    tables: Tables,
    counts: Mapping[str, Counts],
    lost: Mapping[str, int],
    plan: Plan,
    failed: Sequence[str],
    about: tuple[tuple[str, str], ...],
) -> Report:
    """Return the report of what runs today, with the variants beside it."""
    measures = Measures()
    read, incomplete = reading(tables, counts, lost, plan)
    if failed:
        incomplete.insert(0, f"Parts that could not be finished: {', '.join(failed)}.")
    parts = [
        read,
        burden(tables, plan, BASE, measures),
        findings(tables, BASE),
        where(tables, BASE, measures),
        right(tables, BASE, measures),
        open_loops(tables, BASE, measures),
        missed(tables, BASE, measures),
        groups(tables, BASE, measures),
    ]
    if (what_if := variants(tables, plan, measures)) is not None:
        parts.append(what_if)
    return Report(
        title="What would the cards have been?",
        first=plan.first,
        last=plan.last,
        answers=_answers(tables, measures),
        box=verdict_box(plan.limits, measures),
        incomplete=tuple(incomplete),
        limits_of_method=CANNOT_TELL,
        parts=tuple(parts),
        run=about,
    )


def _answers(tables: Tables, measures: Measures) -> tuple[Answer, ...]:
    ((confirmed, full),) = tables.rows(
        "SELECT count(*) FILTER (outcome IN ('marrow disease', 'deficiency proven')), count(*) "
        "FROM episode WHERE variant = '' AND finding = 'any' AND \"full\""
    )
    ((carded, counted),) = tables.rows(
        "SELECT count(*) FILTER (carded), count(*) FROM disease WHERE variant = '' AND counted"
    )
    ((loops, episodes),) = tables.rows(
        "SELECT count(*) FILTER (open_loop), count(*) FROM episode "
        "WHERE variant = '' AND finding = 'any'"
    )
    new = measures.values.get("new_cards_per_100_counts")
    every = measures.shown("cards_per_100_counts")
    openings = measures.shown("cards_per_100_openings")
    telling = is_telling(confirmed, full) or "confirmed_share" in measures.few
    return (
        Answer(
            "How often would it have fired?",
            "–" if new is None else measures.shown("new_cards_per_100_counts"),
            f"new cards per 100 blood counts ({every} with repeats;"
            f" {openings} per 100 openings of a chart, estimated)",
        ),
        Answer(
            "Was it right?",
            _percent(confirmed, full, telling=telling),
            "of the episodes proved right by the record, at least:"
            f" {_of(confirmed, full, telling=telling)}"
            f"{_interval(confirmed, full, telling=telling)}",
        ),
        Answer(
            "Whom would it have missed?",
            _missed(carded, counted),
            "of the patients with a new marrow disease and a count in the 90 days before had no"
            f" card before the diagnosis: {_of(counted - carded, counted)}",
        ),
        Answer(
            "What was left open?",
            _percent(loops, episodes),
            f"of the episodes had nothing follow within 60 days: {_of(loops, episodes)}",
        ),
    )


def _missed(carded: int, counted: int) -> str:
    return _percent(counted - carded, counted) if counted else "–"


def _percent(number: int, whole: int, *, telling: bool = False) -> str:
    if not whole or telling or is_telling(number, whole) or is_small(whole):
        return ("few" if is_small(whole) or is_telling(number, whole) else HIDDEN) if whole else "–"
    return f"{100 * number / whole:.0f} %"


def _of(number: int, whole: int, *, telling: bool = False) -> str:
    if is_small(whole):
        return FEW
    if telling or is_telling(number, whole):
        return f"{unshown(number, whole)} of {whole}"
    return f"{number} of {whole}"


def _interval(number: int, whole: int, *, telling: bool = False) -> str:
    interval = Share(number, whole).interval
    if interval is None or telling or is_telling(number, whole) or is_small(whole):
        return ""
    return f" (95 % interval {100 * interval[0]:.0f} to {100 * interval[1]:.0f} %)"
