"""How often it would have fired: R2 burden, R3 findings, R4 where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.backtest.figures.part import Bar, Part, Plot, Table, per
from service.backtest.small_groups import HIDDEN, hidden, is_small, listed
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY
from service.interpreter.rules import RULES
from service.interpreter.rules.order_hooks import ORDER_HOOKS

if TYPE_CHECKING:
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
        (found,) = tables.rows(
            "SELECT count(*) FILTER (len(findings) > 0), count(*) FILTER (news = 'new'), "
            "count(*) FILTER (news = 'changed'), count(*) FILTER (news = 'repeated'), "
            "count(*) FILTER (held_back), count(DISTINCT patient) FILTER (len(findings) > 0), "
            "count(*) FILTER (not_answered <> '') FROM card WHERE variant = ? AND kind = ?",
            variant,
            kind,
        )
        cards, new, changed, repeated, held, carded, silent = found
        a_year = round(1000 * cards / years, 1) if years else None
        rows.append(
            (
                words,
                whole,
                cards,
                per(cards, whole),
                new,
                per(new, whole),
                changed,
                repeated,
                carded,
                a_year,
                held,
                silent,
            )
        )
        measures.values[f"cards_per_100_{kind}s"] = per(cards, whole)
        measures.values[f"new_cards_per_100_{kind}s"] = per(new, whole)
        measures.values[f"cards_per_1000_patients_a_year_at_{kind}s"] = a_year
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


def _not_answered(tables: Tables, variant: str) -> Table:
    rows = tables.rows(
        "SELECT not_answered, count(*), count(DISTINCT patient) FROM card "
        "WHERE variant = ? AND not_answered <> '' GROUP BY ALL ORDER BY 2 DESC, 1",
        variant,
    )
    return Table(
        "not-answered",
        "Moments without an answer",
        ("reason", "moments"),
        tuple((reason, HIDDEN if is_small(patients) else n) for reason, n, patients in rows),
    )


def _months(tables: Tables, variant: str) -> list[tuple[str, str, int, int, int, int]]:
    return tables.rows(
        "WITH whole AS (SELECT month, kind, sum(number)::BIGINT AS moments FROM judged "
        "WHERE variant = ? GROUP BY ALL), shown AS (SELECT month, kind, count(*) AS cards, "
        "count(*) FILTER (news = 'new') AS new, count(DISTINCT patient) AS patients FROM card "
        "WHERE variant = ? AND len(findings) > 0 GROUP BY ALL) "
        "SELECT month, kind, moments, coalesce(cards, 0), coalesce(new, 0), coalesce(patients, 0) "
        "FROM whole LEFT JOIN shown USING (month, kind) ORDER BY month, kind",
        variant,
        variant,
    )


def _by_month(tables: Tables, variant: str) -> Table:
    rows = _months(tables, variant)
    away = {kind: hidden({row[0]: row[5] for row in rows if row[1] == kind}) for kind in KINDS}
    shown = tuple(
        (month, KINDS[kind], moments)
        + ((HIDDEN, None, HIDDEN) if month in away[kind] else (cards, per(cards, moments), new))
        for month, kind, moments, cards, new, _ in rows
    )
    return Table(
        "burden-by-month",
        "By month",
        ("month", "moment", "moments", "cards", "per 100", "new"),
        shown,
    )


def _month_plot(tables: Tables, variant: str) -> Plot:
    rows = _months(tables, variant)
    away = {kind: hidden({row[0]: row[5] for row in rows if row[1] == kind}) for kind in KINDS}
    bars = tuple(
        Bar(month, 100 * cards / moments, group=KINDS[kind])
        for month, kind, moments, cards, _, _ in rows
        if moments and month not in away[kind]
    )
    highest = max(bars, key=lambda bar: bar.value, default=None)
    text = "Cards per 100 moments, month by month."
    if highest is not None:
        text += f" The highest is {highest.value:.1f} in {highest.label} ({highest.group})."
    return Plot("months", "Cards per 100 moments, by month", "cards per 100 moments", bars, text)


def findings(tables: Tables, variant: str) -> Part:
    """R3: each finding of the table."""
    found = {
        row[0]: row[1:]
        for row in tables.rows(
            "SELECT finding, count(*), count(*) FILTER (findings[1] = finding), "
            "count(*) FILTER (findings[1] = finding AND news = 'new'), count(DISTINCT patient), "
            "count(*) FILTER (indicator = 'critical'), count(*) FILTER (indicator = 'warning'), "
            "count(*) FILTER (indicator = 'info'), count(*) FILTER (list_contains(orders, ?)), "
            "count(*) FILTER (list_contains(orders, ?)), round(avg(len(orders)), 1) "
            "FROM (SELECT unnest(findings) AS finding, * FROM card "
            "WHERE variant = ? AND kind = 'count') GROUP BY finding",
            MARROW_BIOPSY,
            HEMATOLOGY_REFERRAL,
            variant,
        )
    }
    names = [*FINDINGS, *sorted(set(found) - set(FINDINGS))]
    numbers = {name: found.get(name, (0,) * 9 + (None,)) for name in names}
    small = [name for name in names if is_small(numbers[name][3])]
    rows = [(name, *numbers[name]) for name in names if name not in small]
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


def where(tables: Tables, variant: str, measures: Measures) -> Part:
    """R4: by place, and how much falls to one clinician in a week."""
    made: list[Table] = []
    plot: Plot | None = None
    for column, words in PLACES.items():
        rows = tables.rows(
            f"WITH whole AS (SELECT place.{column} AS name, kind, sum(number)::BIGINT AS moments "  # noqa: S608
            "FROM judged WHERE variant = ? GROUP BY ALL), "
            f"shown AS (SELECT place.{column} AS name, kind, count(*) AS cards, "
            "count(*) FILTER (news = 'new') AS new, count(DISTINCT patient) AS patients FROM card "
            "WHERE variant = ? AND len(findings) > 0 GROUP BY ALL) "
            "SELECT name, kind, moments, coalesce(cards, 0), coalesce(new, 0), "
            "coalesce(patients, 0) FROM whole LEFT JOIN shown USING (name, kind) "
            "ORDER BY kind, cards DESC NULLS LAST, name",
            variant,
            variant,
        )
        away = {kind: hidden({row[0]: row[5] for row in rows if row[1] == kind}) for kind in KINDS}
        shown = tuple(
            (name or "(not told)", KINDS[kind], moments)
            + ((HIDDEN, None, HIDDEN) if name in away[kind] else (cards, per(cards, moments), new))
            for name, kind, moments, cards, new, _ in rows
        )
        made.append(
            Table(
                f"where-{column.replace('_', '-')}",
                f"By {words}",
                (words, "moment", "moments", "cards", "per 100", "new"),
                shown[:200],
            )
        )
        if column == "location":
            plot = _ward_plot(rows, away)
    made.append(_weeks(tables, variant, measures))
    return Part(
        "R4",
        "Where, and to whom?",
        ("The place is that of the Encounter under way, else of one in the week before.",),
        tuple(made),
        (plot,) if plot and plot.bars else (),
    )


def _ward_plot(
    rows: list[tuple[str, str, int, int, int, int]], away: dict[str, frozenset[str]]
) -> Plot:
    kind = "opening" if any(row[1] == "opening" for row in rows) else "count"
    bars = tuple(
        Bar(name or "(not told)", 100 * cards / moments)
        for name, of, moments, cards, _, _ in rows
        if of == kind and moments and name not in away[kind]
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
