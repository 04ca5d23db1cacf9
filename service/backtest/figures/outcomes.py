"""Whether it was right, and whom it missed: R5 right, R6 open loops, R7 missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.backtest.figures.burden import FINDINGS
from service.backtest.figures.part import (
    SHARE_COLUMNS,
    Bar,
    Part,
    Plot,
    Table,
    per,
    quartiles,
    share_cells,
)
from service.backtest.outcomes import ANY, CONFIRMED, OUTCOMES, TOO_LITTLE_FOLLOW_UP
from service.backtest.small_groups import (
    FEW,
    HIDDEN,
    hidden,
    hidden_shares,
    is_small,
    is_telling,
    listed,
)
from service.backtest.statistics import Share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.figures.part import Cell, Measures
    from service.backtest.tables import Tables

LOWER_BOUND = (
    "The confirmed share is a lower bound: a record that says nothing proves nothing. Episodes"
    " without the whole follow-up are left out of it."
)
_NAMES = ("any", *FINDINGS)
_SHARE_COLUMNS = (
    "finding",
    *(f"confirmed {each}" for each in SHARE_COLUMNS),
    *("episodes with an action", "days, lower quartile", "median", "upper quartile"),
)


def right(tables: Tables, variant: str, measures: Measures) -> Part:
    """R5: what came of the episodes of each finding."""
    counted = _outcomes(tables, variant)
    names = [name for name in (*_NAMES, *sorted(counted.keys() - set(_NAMES))) if name in counted]
    rows: list[tuple[Cell, ...]] = []
    bars: list[Bar] = []
    days: list[tuple[Cell, ...]] = []
    shares: list[tuple[Cell, ...]] = []
    small = [name for name in names if is_small(counted[name].patients)]
    for name in names:
        found = counted[name]
        confirmed, full = _confirmed(tables, variant, name)
        hide = found.tells_of(confirmed, full)
        if name == ANY:
            measures.values["confirmed_share"] = per(confirmed, full)
            measures.few |= {"confirmed_share"} if hide else set()
        if name in small:
            continue
        shown = (HIDDEN if each in found.away else found.episodes.get(each, 0) for each in OUTCOMES)
        rows.append((name, sum(found.episodes.values()), *shown))
        quartile = _days(tables, variant, name)
        shares.append((name, *share_cells(confirmed, full, small=hide), *quartile))
        days.append((name, *quartile))
        interval = Share(confirmed, full).interval
        if interval and not hide:
            bars.append(Bar(name, 100 * confirmed / full, 100 * interval[0], 100 * interval[1]))
    despite = tables.number(
        "SELECT count(*) FROM episode WHERE variant = ? AND finding = 'any' "
        "AND treated_despite_high_b12",
        variant,
    )
    outcome_table = Table(
        "outcomes",
        "What came of each episode",
        ("finding", "episodes", *OUTCOMES),
        tuple(rows),
        "Each episode counts once, under the first outcome that holds." + listed(small),
    )
    share_table = Table(
        "confirmed",
        "Confirmed share, and days from the first card to the first recorded action",
        _SHARE_COLUMNS,
        tuple(shares),
        f"{LOWER_BOUND} Confirmed: marrow disease or deficiency proven. An action is a marrow,"
        " hematology asked or seen, B12 or iron begun, or a proposed test. Diagnoses of hospital"
        " stays are usually recorded at discharge.",
    )
    text = "Confirmed share of each finding, with its 95 % interval."
    if bars:
        best = max(bars, key=lambda bar: bar.value)
        text += f" The highest is {best.value:.0f} % ({best.label})."
    plot = Plot(
        "confirmed",
        "Confirmed share, with 95 % interval",
        "% of episodes",
        tuple(bars),
        text,
        is_share=True,
    )
    words = (
        f"B12 was begun although it was high in {FEW if is_small(despite) else despite} episodes.",
    )
    return Part(
        "R5", "Was it right?", words, (outcome_table, share_table), (plot, *_day_plots(days))
    )


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """The episodes of one finding by outcome; `away` are the outcomes that are hidden."""

    patients: int
    episodes: dict[str, int]
    away: frozenset[str]

    def tells_of(self, confirmed: int, full: int) -> bool:
        """Whether the confirmed share would give a hidden number away."""
        alone = len(self.away & set(CONFIRMED)) == 1
        return is_telling(confirmed, full) or alone


def _outcomes(tables: Tables, variant: str) -> dict[str, _Outcomes]:
    people = dict(
        tables.rows(
            "SELECT finding, count(DISTINCT patient) FROM episode WHERE variant = ? GROUP BY ALL",
            variant,
        )
    )
    episodes: dict[str, dict[str, int]] = {name: {} for name in people}
    patients: dict[str, dict[str, int]] = {name: {} for name in people}
    for finding, outcome, number, of in tables.rows(
        "SELECT finding, outcome, count(*), count(DISTINCT patient) FROM episode "
        "WHERE variant = ? GROUP BY ALL ORDER BY 1, 2",
        variant,
    ):
        episodes[finding][outcome] = number
        if outcome != TOO_LITTLE_FOLLOW_UP:  # shown however few: the first page says it as well
            patients[finding][outcome] = of
    return {
        name: _Outcomes(people[name], episodes[name], hidden(patients[name]))
        for name in sorted(people)
    }


def _confirmed(tables: Tables, variant: str, finding: str) -> tuple[int, int]:
    listed = ", ".join(f"'{each}'" for each in CONFIRMED)
    ((confirmed, full),) = tables.rows(
        f"SELECT count(*) FILTER (outcome IN ({listed})), count(*) FROM episode "  # noqa: S608
        'WHERE variant = ? AND finding = ? AND "full"',
        variant,
        finding,
    )
    return confirmed, full


def _days(tables: Tables, variant: str, finding: str) -> tuple[Cell, ...]:
    rows = tables.rows(
        "SELECT action_days FROM episode WHERE variant = ? AND finding = ? "
        "AND action_days IS NOT NULL ORDER BY 1",
        variant,
        finding,
    )
    days = [row[0] for row in rows]
    return (FEW, None, None, None) if is_small(len(days)) else (len(days), *quartiles(days))


def _day_plots(days: list[tuple[Cell, ...]]) -> tuple[Plot, ...]:
    bars = tuple(
        Bar(str(name), float(median), float(low), float(high))
        for name, _, low, median, high in days
        if isinstance(median, int | float)
        and isinstance(low, int | float)
        and isinstance(high, int | float)
    )
    if not bars:
        return ()
    text = "Median days from the first card to the first recorded action, with quartiles."
    return (
        Plot("days", "Days to the first recorded action (median, quartiles)", "days", bars, text),
    )


def open_loops(tables: Tables, variant: str, measures: Measures) -> Part:
    """R6: episodes that nothing followed."""
    rows: list[tuple[Cell, ...]] = []
    small: list[str] = []
    for finding, episodes, patients, loops, lost in tables.rows(
        "SELECT finding, count(*), count(DISTINCT patient), count(*) FILTER (open_loop), "
        "count(DISTINCT patient) FILTER (open_loop) FROM episode WHERE variant = ? "
        "GROUP BY finding ORDER BY finding <> 'any', 4 DESC, 1",
        variant,
    ):
        if finding == "any":
            measures.values["open_loops"] = loops
        if is_small(patients):
            small.append(finding)
            continue
        hide = is_small(lost) or is_small(patients - lost)
        rows.append((finding, episodes, *share_cells(loops, episodes, small=hide)))
    table = Table(
        "open-loops",
        "Episodes that nothing followed within 60 days",
        ("finding", "episodes", *(f"open {each}" for each in SHARE_COLUMNS)),
        tuple(rows),
        "No repeat count, no referral, no marrow, none of the proposed tests. The patients stand"
        " only in the file of --worklist." + listed(small),
    )
    return Part("R6", "Open loops", tables=(table,))


def missed(tables: Tables, variant: str, measures: Measures) -> Part:
    """R7: new marrow disease without a card before it."""
    rows: list[tuple[Cell, ...]] = []
    found = tables.rows(
        "SELECT disease, count(*), count(*) FILTER (counted), count(*) FILTER (counted AND carded) "
        "FROM disease WHERE variant = ? GROUP BY ALL ORDER BY 1",
        variant,
    )
    away = _hidden_diseases(found)
    whole = [sum(row[place] for row in found) for place in (1, 2, 3)]
    for name, new, counted, carded in (*found, ("all", *whole)):
        lost = counted - carded
        measures.values["missed" if name == "all" else f"missed {name}"] = lost
        if name in away.diseases or (name == "all" and is_small(new)):
            rows.append((name, HIDDEN, None, "", None, ""))
            continue
        # New less those without a count is shown beside the share: both stand or neither does.
        without = name in away.without or (name == "all" and is_small(new - counted))
        small = name in away.shares or is_telling(carded, counted)
        rows.append(
            (
                name,
                HIDDEN if without else new,
                HIDDEN if without else new - counted,
                *share_cells(carded, counted, small=small),
            )
        )
    measures.values["sensitivity"] = per(whole[2], whole[1])
    if is_telling(whole[2], whole[1]):
        measures.few.add("sensitivity")
    reasons = tables.rows(
        "SELECT reason, count(*) FROM disease WHERE variant = ? AND counted AND NOT carded "
        "GROUP BY ALL ORDER BY 2 DESC, 1",
        variant,
    )
    hide = hidden(dict(reasons))
    sensitivity = Table(
        "missed",
        "New marrow disease, and whether a card came before",
        (
            "disease",
            "new",
            "without a count in the 90 days before",
            *tuple(f"with a card before {each}" for each in SHARE_COLUMNS),
        ),
        tuple(rows),
        "Of patients with a blood count in the 90 days before: a card of a pancytopenia, a"
        " bicytopenia or an urgent finding before the diagnosis was recorded.",
    )
    why = Table(
        "missed-reasons",
        "Why no card came",
        ("reason", "patients"),
        tuple((reason, HIDDEN if reason in hide else number) for reason, number in reasons),
    )
    return Part("R7", "Whom would it have missed?", tables=(sensitivity, why))


@dataclass(frozen=True, slots=True)
class _HiddenDiseases:
    """Diseases of which all, those without a count, or the share with a card is hidden."""

    diseases: frozenset[str]
    without: frozenset[str]
    shares: frozenset[str]


def _hidden_diseases(found: Sequence[tuple[str, int, int, int]]) -> _HiddenDiseases:
    diseases = hidden({name: new for name, new, _, _ in found})
    without = hidden({e[0]: 1 if e[0] in diseases else e[1] - e[2] for e in found})
    shares = hidden_shares({e[0]: (1, 2) if e[0] in diseases else (e[3], e[2]) for e in found})
    return _HiddenDiseases(diseases, without, shares)
