"""Cards by their findings and states; suggestions by the orders that they hold.

Former cards keep their topics, `marrow-evaluation` and `work-up` among them, and their outcomes.
Each counts as shown for its finding, with the grades, the referral and, where it was about the
marrow, the marrow that its evidence names. A grade or priority that it does not name stays unknown,
and what is unknown is not news. Drugs were not kept by name: a card names them once more. A
suggestion keeps the name of its one order.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

revision = "0002"
down_revision = "0001"

BATCH = 1_000

_MARROW, _WORK_UP = "marrow-evaluation", "work-up"
_ORDER_CARDS = {"b12-order-without-deficiency", "iron-order-without-deficiency"}
_DATA_QUALITY = "data-quality"
_GRADES = {"normal", "mild", "moderate", "severe"}
_PRIORITIES = {"routine", "urgent", "asap", "stat"}
_UNKNOWN = "unknown"

_STATES = ("findings", "neutrophils", "platelets", "drugs", "referral", "marrow", "data_quality")


def upgrade() -> None:
    """Add the states, read them from the evidence of each card, drop the evidence."""
    for name in _STATES:
        kind = sa.Text() if name in {"findings", "drugs"} else sa.String(10)
        op.add_column("issued_card", sa.Column(name, kind, nullable=True))
    op.add_column("issued_suggestion", sa.Column("orders", sa.Text, nullable=True))
    connection = op.get_bind()
    cards = sa.table(
        "issued_card",
        *(
            sa.column(name)
            for name in ("uuid", "topic", "finding", "indicator", "evidence_states", *_STATES)
        ),
    )
    for rows in _batches(connection, cards):
        _update(connection, cards, [{"key": row.uuid, **states(row._asdict())} for row in rows])
    suggestions = sa.table("issued_suggestion", *map(sa.column, ("uuid", "label", "orders")))
    for rows in _batches(connection, suggestions):
        labels = [{"key": row.uuid, "orders": json.dumps([row.label])} for row in rows]
        _update(connection, suggestions, labels)
    op.drop_index("issued_card_seen", "issued_card")
    with op.batch_alter_table("issued_card") as table:
        table.alter_column("findings", existing_type=sa.Text(), nullable=False)
        table.alter_column("drugs", existing_type=sa.Text(), nullable=False)
        for name in ("finding", "evidence", "evidence_states"):
            table.drop_column(name)
    with op.batch_alter_table("issued_suggestion") as table:
        table.alter_column("orders", existing_type=sa.Text(), nullable=False)
        table.drop_column("label")
    op.create_index(
        "issued_card_of_patient", "issued_card", ["client", "patient_hash", "issued_at"]
    )


def _batches(
    connection: sa.Connection, table: sa.TableClause
) -> Iterator[list[sa.Row[*tuple[Any, ...]]]]:
    """Yield all rows in batches: a store may hold more than fits into memory."""
    last = ""
    while True:
        query = sa.select(table).where(table.c.uuid > last).order_by(table.c.uuid).limit(BATCH)
        rows = list(connection.execute(query))
        if not rows:
            return
        yield rows
        last = rows[-1].uuid


def _update(
    connection: sa.Connection, table: sa.TableClause, rows: list[dict[str, str | None]]
) -> None:
    values: dict[str, sa.BindParameter[str]] = {
        name: sa.bindparam(name) for name in rows[0] if name != "key"
    }
    statement = sa.update(table).where(table.c.uuid == sa.bindparam("key")).values(values)
    connection.execute(statement, rows)


def states(card: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the new columns of a former card."""
    topic, evidence = str(card["topic"]), _decoded(card["evidence_states"])
    made: dict[str, str | None] = dict.fromkeys(_STATES)
    made |= {"findings": json.dumps([topic]), "drugs": "[]"}
    if topic in _ORDER_CARDS:
        return made
    if topic == _DATA_QUALITY:
        return made | {"data_quality": str(card["indicator"])}
    orders = evidence.get("orders")
    made |= {
        "findings": json.dumps(_findings(topic, str(card["finding"]), evidence)),
        "neutrophils": _grade(evidence, "white"),
        "platelets": _grade(evidence, "platelets"),
    }
    if topic == _MARROW:
        return made | {"marrow": _priority(orders, "marrow-biopsy") or _UNKNOWN}
    if topic == _WORK_UP:
        return made
    return made | {"referral": _priority(orders, "hematology-referral")}


def _findings(topic: str, finding: str, evidence: dict[str, Any]) -> list[str]:
    """Return what a card named: a companion its finding, an urgent one those below it too."""
    if topic in {_MARROW, _WORK_UP}:
        return [finding]
    overlays = evidence.get("overlays")
    if not isinstance(overlays, list) or topic not in overlays:
        return [topic]
    return [topic, *(str(each) for each in overlays if each != topic)]


def _decoded(text: object) -> dict[str, Any]:
    try:
        evidence = json.loads(str(text))
    except ValueError:
        return {}
    return evidence if isinstance(evidence, dict) else {}


def _grade(evidence: dict[str, Any], line: str) -> str | None:
    lines = evidence.get("lines")
    text = str(lines.get(line, "")) if isinstance(lines, dict) else ""
    grade = text.rpartition("/")[2]
    return grade if grade in _GRADES else None


def _priority(orders: object, order: str) -> str | None:
    """Return the priority with which an order was proposed; None where it was not."""
    for each in orders if isinstance(orders, list) else ():
        name, _, priority = str(each).partition("/")
        if name == order:
            return priority if priority in _PRIORITIES else _UNKNOWN
    return None
