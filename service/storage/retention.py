"""What is deleted from the store after a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from service.storage.store import feedback_comment

if TYPE_CHECKING:
    from datetime import datetime

    from service.storage.store import Storage


def prune(storage: Storage, before: datetime) -> int:
    """Delete comments received before a moment; give their number. Raises StorageUnavailable."""
    with storage.transaction() as connection:
        done = connection.execute(
            sa.delete(feedback_comment).where(feedback_comment.c.received_at < before)
        )
        return done.rowcount
