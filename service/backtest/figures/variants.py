"""R9: each variant beside what runs today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.backtest.figures.part import Bar, Part, Plot, Table, per
from service.backtest.outcomes import CONFIRMED
from service.backtest.plan import BASE
from service.backtest.small_groups import FEW, HIDDEN, is_small, is_telling, unshown

if TYPE_CHECKING:
    from service.backtest.figures.part import Cell, Measures
    from service.backtest.plan import Plan, Variant
    from service.backtest.tables import Tables

TODAY = "as it is today"

_CARDS = """
SELECT (SELECT sum(number) FROM judged WHERE variant = $variant AND kind = 'count'),
  count(*) FILTER (kind = 'count'), count(*) FILTER (kind = 'count' AND news = 'new'),
  count(DISTINCT patient), count(*) FILTER (kind = 'opening'),
  count(*) FILTER (kind = 'opening' AND held_back)
FROM card WHERE variant = $variant AND len(findings) > 0
"""

_OUTCOMES = """
SELECT count(*) FILTER (outcome IN {confirmed} AND "full"), count(*) FILTER ("full"),
  (SELECT count(*) FROM disease WHERE variant = $variant AND counted AND NOT carded),
  (SELECT count(*) FROM disease WHERE variant = $variant AND counted)
FROM episode WHERE variant = $variant AND finding = 'any'
"""

_CHANGED = """
SELECT count(*) FILTER (base.patient IS NULL), count(*) FILTER (other.patient IS NULL),
  count(DISTINCT other.patient) FILTER (base.patient IS NULL),
  count(DISTINCT base.patient) FILTER (other.patient IS NULL)
FROM (SELECT DISTINCT patient, finding, first_day FROM episode
      WHERE variant = '' AND finding <> 'any') AS base
FULL JOIN (SELECT DISTINCT patient, finding, first_day FROM episode
      WHERE variant = $variant AND finding <> 'any') AS other
USING (patient, finding, first_day)
"""

_BY_FINDING = """
SELECT finding, count(*) FILTER (variant = ''), count(*) FILTER (variant = $variant),
  count(DISTINCT patient) FILTER (variant = ''), count(DISTINCT patient) FILTER (variant = $variant)
FROM episode WHERE variant IN ('', $variant) AND finding <> 'any' GROUP BY ALL ORDER BY 1
"""


def variants(tables: Tables, plan: Plan, measures: Measures) -> Part | None:
    """Return the part, None when no variant was asked for.

    A confirmed share that is hidden today is hidden in each variant: they differ by little.
    """
    if len(plan.variants) < 2:
        return None
    hide = "confirmed_share" in measures.few
    rows: list[tuple[Cell, ...]] = []
    bars: list[Bar] = []
    for variant in plan.variants:
        name = variant.name or TODAY
        counts, cards, new, patients, openings, held = _one(tables, _CARDS, variant.name)
        confirmed, full, lost, diseases = _one(
            tables, _OUTCOMES.format(confirmed=CONFIRMED), variant.name
        )
        gained, gone, gaining, losing = _one(tables, _CHANGED, variant.name)
        shown = openings - held if variant.quiet_repeats else openings
        rows.append(
            (
                name,
                _words(variant),
                cards,
                new,
                per(new, counts),
                shown,
                patients if not is_small(patients) else FEW,
                f"{unshown(confirmed, full)} of {full}" if hide else _of(confirmed, full),
                _of(lost, diseases),
                FEW if is_small(gaining) else gained,
                FEW if is_small(losing) else gone,
            )
        )
        if counts:
            bars.append(Bar(name, 100 * new / counts, group="new cards per 100 counts"))
    columns = (
        *("variant", "what differs", "cards at counts", "new", "new per 100 counts"),
        *("cards at openings after repeats", "patients", "confirmed", "missed"),
        *("episodes that came", "episodes that went"),
    )
    table = Table("what-if", "Each variant", columns, tuple(rows))
    text = "New cards per 100 counts, today and with each variant: " + ", ".join(
        f"{bar.label} {bar.value:.1f}" for bar in bars
    )
    plot = Plot("what-if", "Before and after", "new cards per 100 counts", tuple(bars), text + ".")
    changed = [_by_finding(tables, each) for each in plan.variants if each.name != BASE]
    return Part("R9", "What if?", tables=(table, *changed), plots=(plot,))


def _by_finding(tables: Tables, variant: Variant) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for finding, before, after, patients, later in tables.engine.execute(
        _BY_FINDING, {"variant": variant.name}
    ).fetchall():
        if before == after:
            continue
        hide = is_small(patients) or is_small(later) or is_small(abs(later - patients))
        away = (FEW if is_small(each) else HIDDEN for each in (patients, later))
        rows.append((finding, *(away if hide else (before, after))))
    return Table(
        f"what-if-{''.join(c if c.isalnum() else '-' for c in variant.name.lower())}",
        f"Episodes that differ: {variant.name}",
        ("finding", TODAY, variant.name),
        tuple(rows),
    )


def _one(tables: Tables, query: str, variant: str) -> tuple[int, ...]:
    (row,) = tables.engine.execute(query, {"variant": variant}).fetchall()
    return tuple(int(each or 0) for each in row)


def _of(number: int, whole: int) -> str:
    if is_telling(number, whole) or is_small(whole):
        return FEW if is_small(whole) else f"{unshown(number, whole)} of {whole}"
    return f"{number} of {whole}" + (f" ({100 * number / whole:.0f} %)" if whole else "")


def _words(variant: Variant) -> str:
    said = [f"{name} {value}" for name, value in sorted(variant.thresholds.items())]
    said += [f"without {each}" for each in variant.findings_off]
    if variant.quiet_repeats:
        said.append(f"quiet repeats, {variant.repeat_days:g} days")
    if variant.visible_after is not None:
        said.append(f"results known after {variant.visible_after:g} minutes")
    return "; ".join(said)
