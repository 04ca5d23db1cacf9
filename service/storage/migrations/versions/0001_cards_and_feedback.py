"""Issued cards, their suggestions, feedback with its comments, and used tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "issued_card",
        sa.Column("uuid", sa.String(64), primary_key=True),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("finding", sa.String(100), nullable=False),
        sa.Column("indicator", sa.String(10), nullable=False),
        sa.Column("issued_at", _moment(), nullable=False),
        sa.Column("rule_table_version", sa.String(30), nullable=False),
        sa.Column("evidence", sa.String(64), nullable=False),
        sa.Column("evidence_states", sa.Text, nullable=False),
        sa.Column("patient_hash", sa.String(64), nullable=False),
        sa.Column("user_hash", sa.String(64), nullable=False),
        sa.Column("disposition", sa.String(10), nullable=False),
    )
    op.create_index(
        "issued_card_seen", "issued_card", ["client", "patient_hash", "user_hash", "issued_at"]
    )
    op.create_index("issued_card_issued_at", "issued_card", ["issued_at"])
    op.create_table(
        "issued_suggestion",
        sa.Column("uuid", sa.String(64), primary_key=True),
        sa.Column("card", sa.String(64), nullable=False, index=True),
        sa.Column("label", sa.String(200), nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("client", sa.String(200), nullable=False),
        sa.Column("service", sa.String(100), nullable=False),
        sa.Column("card", sa.String(64), nullable=False, index=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("outcome_timestamp", _moment(), nullable=False),
        sa.Column("received_at", _moment(), nullable=False, index=True),
        sa.Column("reason_system", sa.String(200), nullable=True),
        sa.Column("reason_code", sa.String(100), nullable=True),
        sa.UniqueConstraint("client", "card", "outcome", "outcome_timestamp", name="feedback_once"),
    )
    op.create_table(
        "feedback_suggestion",
        sa.Column("feedback", sa.Integer, sa.ForeignKey("feedback.id"), primary_key=True),
        sa.Column("suggestion", sa.String(64), primary_key=True),
    )
    op.create_table(
        "used_token",
        sa.Column("issuer", sa.String(500), primary_key=True),
        sa.Column("jti", sa.String(200), primary_key=True),
        sa.Column("expires_at", _moment(), nullable=False, index=True),
    )
    op.create_table(
        "feedback_comment",
        sa.Column("feedback", sa.Integer, sa.ForeignKey("feedback.id"), primary_key=True),
        sa.Column("received_at", _moment(), nullable=False, index=True),
        sa.Column("comment", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them, newest first."""
    for table in (
        "used_token",
        "feedback_comment",
        "feedback_suggestion",
        "feedback",
        "issued_suggestion",
        "issued_card",
    ):
        op.drop_table(table)
