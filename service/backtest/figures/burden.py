"""How often it would have fired: R2 burden, R3 findings, R4 where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.backtest.figures.part import Bar, Part, Plot, Table, per
from service.backtest.small_groups import FEW, HIDDEN, hidden, is_small, is_telling, listed
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY
from service.interpreter.rules import RULES
from service.interpreter.rules.order_hooks import ORDER_HOOKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.figures.part import Cell, Measures
    from service.backtest.plan import Plan
    from service.backtest.tables import Tables

KINDS = {"count": "blood count known", "opening": "chart opened (estimate)"}
_ORDER_HOOKS = {rule.id for rule in ORDER_HOOKS}
FINDINGS = tuple(rule.id for rule in RULES if rule.has_card and rule.id not in _ORDER_HOOKS)
"""The findings that a patient-view card can hold, in the order of the table."""

PLACES = {
    "encounter_class": "class of Encounter",
    "service": "service",
    "location": "location",
    "role": "role of the participant",
}
_DAYS_OF_A_YEAR = 365.25


def burden(tables: Tables, plan: Plan, variant: str, measures: Measures) -> Part:
    """R2: cards beside what they are counted against, and what repeats would hold back."""
    patients = tables.number(
        "SELECT count(DISTINCT patient) FROM judged WHERE variant = ?", variant
    )
    years = patients * plan.days / _DAYS_OF_A_YEAR
    rows: list[tuple[Cell, ...]] = []
    for kind, words in KINDS.items():
        whole = tables.number(
            "SELECT sum(number) FROM judged WHERE variant = ? AND kind = ?", variant, kind
        )
        cards, carded, held, holding, silent, silenced = _cards_of(tables, variant, kind)
        news = _news(tables, variant, kind)
        away = hidden({name: patients for name, (_, patients) in news.items()})
        new, changed, repeated = (
            HIDDEN if name in away else news.get(name, (0, 0))[0]
            for name in ("new", "changed", "repeated")
        )
        a_year = round(1000 * cards / years, 1) if years else None
        few = is_small(carded)
        rows.append(
            (
                words,
                whole,
                *((FEW, None) if few else (cards, per(cards, whole))),
                new,
                per(new, whole) if isinstance(new, int) else None,
                changed,
                repeated,
                FEW if few else carded,
                None if few else a_year,
                FEW if is_small(holding) else held,
                FEW if is_small(silenced) else silent,
            )
        )
        number_of_new = news.get("new", (0, 0))[0]
        for measure, value, is_few in (
            (f"cards_per_100_{kind}s", per(cards, whole), few),
            (f"new_cards_per_100_{kind}s", per(number_of_new, whole), "new" in away),
            (f"cards_per_1000_patients_a_year_at_{kind}s", a_year, few),
        ):
            measures.values[measure] = value
            measures.few |= {measure} if is_few else set()
    table = Table(
        "burden",
        "Cards, and what they are counted against",
        (
            "moment",
            "moments",
            "cards",
            "per 100",
            "new",
            "new per 100",
            "changed",
            "repeated",
            "patients with a card",
            "cards per 1,000 patients a year",
            "held back by quiet repeats at most",
            "not answered",
        ),
        tuple(rows),
        f"{patients} patients had a moment in the period. New: the leading finding had no card in"
        " the 30 days before. Quiet repeats hold back at least nothing (a new viewer at each"
        " opening) and at most what one and the same viewer had seen.",
    )
    return Part(
        "R2",
        "How often would it have fired?",
        tables=(table, _not_answered(tables, variant), _by_month(tables, variant)),
        plots=(_month_plot(tables, variant),),
    )


def _cards_of(tables: Tables, variant: str, kind: str) -> tuple[int, ...]:
    """Cards, those held back, moments without an answer, each with its patients."""
    several = tuple(
        f"count(*) FILTER ({each}), count(DISTINCT patient) FILTER ({each})"
        for each in ("len(findings) > 0", "held_back", "not_answered <> ''")
    )
    (row,) = tables.rows(
        f"SELECT {', '.join(several)} FROM card WHERE variant = ? AND kind = ?",  # noqa: S608
        variant,
        kind,
    )
    return row


def _news(tables: Tables, variant: str, kind: str) -> dict[str, tuple[int, int]]:
    rows = tables.rows(
        "SELECT news, count(*), count(DISTINCT patient) FROM card WHERE variant = ? AND kind = ? "
        "AND len(findings) > 0 GROUP BY ALL ORDER BY 1",
        variant,
        kind,
    )
    return {name: (cards, patients) for name, cards, patients in rows}


def _not_answered(tables: Tables, variant: str) -> Table:
    rows = tables.rows(
        "SELECT not_answered, count(*), count(DISTINCT patient) FROM card "
        "WHERE variant = ? AND not_answered <> '' GROUP BY ALL ORDER BY 2 DESC, 1",
        variant,
    )
    away = hidden({reason: patients for reason, _, patients in rows})
    return Table(
        "not-answered",
        "Moments without an answer",
        ("reason", "moments"),
        tuple((reason, HIDDEN if reason in away else n) for reason, n, _ in rows),
    )


def _split(tables: Tables, variant: str, column: str) -> dict[str, list[Group]]:
    """Cards by a column of their rows, for each kind of moment, in order of the column."""
    rows = tables.rows(
        f"WITH whole AS (SELECT {column} AS name, kind, sum(number)::BIGINT AS moments, "  # noqa: S608
        "count(DISTINCT patient) AS people FROM judged WHERE variant = ? GROUP BY ALL), "
        f"shown AS (SELECT {column} AS name, kind, count(*) AS cards, "
        "count(DISTINCT patient) AS carded, count(*) FILTER (news = 'new') AS new, "
        "count(DISTINCT patient) FILTER (news = 'new') AS newly FROM card "
        "WHERE variant = ? AND len(findings) > 0 GROUP BY ALL) "
        "SELECT kind, name, moments, people, coalesce(cards, 0), coalesce(carded, 0), "
        "coalesce(new, 0), coalesce(newly, 0) FROM whole LEFT JOIN shown USING (name, kind) "
        "ORDER BY kind, name",
        variant,
        variant,
    )
    return {kind: [Group(*row[1:]) for row in rows if row[0] == kind] for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Group:
    """Moments and cards of one month or place, each with the patients that they are of."""

    name: str
    moments: int
    people: int
    cards: int
    carded: int
    new: int
    newly: int


@dataclass(frozen=True, slots=True)
class _Hidden:
    """The groups of which something is hidden, so that no sum gives it away."""

    moments: frozenset[str]
    cards: frozenset[str]
    new: frozenset[str]


def _hidden(groups: Sequence[Group]) -> _Hidden:
    moments = hidden({each.name: each.people for each in groups})
    # Where the moments are hidden, so are the cards: they count as small.
    cards = hidden({e.name: 1 if e.name in moments else e.carded for e in groups})
    new = hidden({e.name: 1 if e.name in moments else e.newly for e in groups})
    return _Hidden(moments, cards, new)


def _cells(group: Group, kind: str, away: _Hidden) -> tuple[Cell, ...]:
    name = group.name
    few = name in away.cards
    return (
        name or "(not told)",
        KINDS[kind],
        HIDDEN if name in away.moments else group.moments,
        HIDDEN if few else group.cards,
        None if few else per(group.cards, group.moments),
        HIDDEN if name in away.new else group.new,
    )


def _by_month(tables: Tables, variant: str) -> Table:
    found = _split(tables, variant, "month")
    rows = [
        _cells(group, kind, _hidden(groups)) for kind, groups in found.items() for group in groups
    ]
    return Table(
        "burden-by-month",
        "By month",
        ("month", "moment", "moments", "cards", "per 100", "new"),
        tuple(sorted(rows, key=lambda row: (str(row[0]), str(row[1])))),
    )


def _month_plot(tables: Tables, variant: str) -> Plot:
    bars = tuple(
        Bar(each.name, 100 * each.cards / each.moments, group=KINDS[kind])
        for kind, groups in _split(tables, variant, "month").items()
        for each in groups
        if each.moments and each.name not in _hidden(groups).cards
    )
    highest = max(bars, key=lambda bar: bar.value, default=None)
    text = "Cards per 100 moments, month by month."
    if highest is not None:
        text += f" The highest is {highest.value:.1f} in {highest.label} ({highest.group})."
    return Plot("months", "Cards per 100 moments, by month", "cards per 100 moments", bars, text)


_OF_A_FINDING = {
    "held": "true",
    "led": "findings[1] = finding",
    "new": "findings[1] = finding AND news = 'new'",
    "critical": "indicator = 'critical'",
    "warning": "indicator = 'warning'",
    "info": "indicator = 'info'",
    "marrow": f"list_contains(orders, '{MARROW_BIOPSY}')",
    "referral": f"list_contains(orders, '{HEMATOLOGY_REFERRAL}')",
}


def findings(tables: Tables, variant: str) -> Part:
    """R3: each finding of the table."""
    asked = ", ".join(
        f"count(*) FILTER ({each}), count(DISTINCT patient) FILTER ({each})"
        for each in _OF_A_FINDING.values()
    )
    found: dict[str, tuple[Cell, ...]] = {}
    small: list[str] = []
    for name, orders, *counts in tables.rows(
        f"SELECT finding, round(avg(len(orders)), 1), {asked} "  # noqa: S608
        "FROM (SELECT unnest(findings) AS finding, * FROM card "
        "WHERE variant = ? AND kind = 'count') GROUP BY finding ORDER BY 1",
        variant,
    ):
        cells = dict(zip(_OF_A_FINDING, zip(counts[::2], counts[1::2], strict=True), strict=True))
        if is_small(cells["held"][1]):
            small.append(name)
            continue
        found[name] = (*_finding_cells(cells), orders)
    names = [*FINDINGS, *sorted(set(found) - set(FINDINGS))]
    rows = [(name, *found.get(name, (0,) * 9 + (None,))) for name in names if name not in small]
    table = Table(
        "findings",
        "Findings, at moments at which a blood count became known",
        (
            "finding",
            "cards that hold it",
            "cards that it leads",
            "of these new",
            "patients",
            "critical",
            "warning",
            "info",
            "with marrow",
            "with referral",
            "orders a card",
        ),
        tuple(rows),
        "A card can hold several findings. Indicators are those of the card." + listed(small),
    )
    return Part("R3", "Which findings?", tables=(table,))


def _finding_cells(cells: dict[str, tuple[int, int]]) -> tuple[Cell, ...]:
    """Numbers of one finding; of fewer than five patients none, nor what would tell of them."""
    indicators = ("critical", "warning", "info")
    away = set(hidden({name: cells[name][1] for name in indicators}))
    whole = cells["held"][1]
    away |= {
        name for name in ("led", "new", "marrow", "referral") if is_telling(cells[name][1], whole)
    }
    shown = {name: HIDDEN if name in away else number for name, (number, _) in cells.items()}
    return (
        shown["held"],
        shown["led"],
        shown["new"],
        whole,
        *(shown[name] for name in indicators),
        shown["marrow"],
        shown["referral"],
    )


def where(tables: Tables, variant: str, measures: Measures) -> Part:
    """R4: by place, and how much falls to one clinician in a week."""
    made: list[Table] = []
    plot: Plot | None = None
    for column, words in PLACES.items():
        found = _split(tables, variant, f"place.{column}")
        rows = [
            _cells(group, kind, _hidden(groups))
            for kind, groups in found.items()
            for group in sorted(groups, key=lambda each: (-each.cards, each.name))
        ]
        made.append(
            Table(
                f"where-{column.replace('_', '-')}",
                f"By {words}",
                (words, "moment", "moments", "cards", "per 100", "new"),
                tuple(rows[:200]),
            )
        )
        if column == "location":
            plot = _ward_plot(found)
    made.append(_weeks(tables, variant, measures))
    return Part(
        "R4",
        "Where, and to whom?",
        ("The place is that of the Encounter under way, else of one in the week before.",),
        tuple(made),
        (plot,) if plot and any(bar.value for bar in plot.bars) else (),
    )


def _ward_plot(found: dict[str, list[Group]]) -> Plot:
    kind = "opening" if found["opening"] else "count"
    away = _hidden(found[kind])
    bars = tuple(
        Bar(each.name or "(not told)", 100 * each.cards / each.moments)
        for each in found[kind]
        if each.moments and each.name not in away.cards
    )
    first = sorted(bars, key=lambda bar: -bar.value)[:15]
    text = "Cards per 100 moments, by location."
    if first:
        text += f" The highest is {first[0].value:.1f} ({first[0].label})."
    return Plot(
        "locations",
        f"Cards per 100 moments ({KINDS[kind]}), by location",
        "cards per 100 moments",
        tuple(first),
        text,
    )


def _weeks(tables: Tables, variant: str, measures: Measures) -> Table:
    (row,) = tables.rows(
        "SELECT count(DISTINCT clinician), median(cards), quantile_cont(cards, 0.9), max(cards) "
        "FROM (SELECT place.clinician AS clinician, week, count(*) AS cards FROM card "
        "WHERE variant = ? AND kind = 'opening' AND len(findings) > 0 AND place.clinician <> '' "
        "GROUP BY ALL)",
        variant,
    )
    clinicians, median, ninetieth, highest = row
    measures.values["cards_a_clinician_and_week_90th_percentile"] = ninetieth
    rows = () if not clinicians else ((clinicians, median, ninetieth, highest),)
    return Table(
        "clinician-weeks",
        "Cards that one clinician would have seen in a week",
        ("clinicians", "median", "90th percentile", "highest"),
        rows,
        "Weeks in which a clinician would have seen at least one card, at openings of charts."
        if rows
        else "No Encounter names who took part.",
    )
