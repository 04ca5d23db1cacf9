"""What a backtest judges: the period, the windows of its outcomes, and the variants side by side.

A Plan travels to every worker and decides, with the inputs, whether an interrupted run may be
taken up again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from service.interpreter.windows import LOOK_BACK

LONGEST_WINDOW = max(LOOK_BACK.days, *LOOK_BACK.longer.values())
"""So far back a rule may look; the course that a card only tells goes back further."""

BASE = ""
"""The name of what runs at the site today, without any change."""


class Variant(Struct, frozen=True, kw_only=True):
    """One way to run the service.

    `thresholds` are the limits that differ, by their field name in `Thresholds`. `visible_after`
    (minutes) None means that of the plan.
    """

    name: str = BASE
    findings_off: tuple[str, ...] = ()
    thresholds: dict[str, str] = field(default_factory=dict)
    quiet_repeats: bool = False
    repeat_days: float = 30.0
    visible_after: float | None = None


class Limit(Struct, frozen=True, kw_only=True):
    """One limit that the committee set: a measure of the report, and what it may be at most."""

    measure: str
    at_most: float | None = None
    at_least: float | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that decides over the verdicts, apart from the export and the terminology.

    `first` and `last` are days of the site's time zone, both included. `follow_up`, `wash_out` are
    in days, `visible_after` in minutes. The first variant is what runs today.
    """

    first: date
    last: date
    follow_up: int = 180
    wash_out: int = 365
    visible_after: float = 60.0
    time_zone: str = "UTC"
    variants: tuple[Variant, ...] = (Variant(),)
    limits: tuple[Limit, ...] = ()
    examples: int = 0
    worklist: bool = False
    record_end: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def start(self) -> datetime:
        """The first moment that is judged."""
        return datetime.combine(self.first, time(), self.zone).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first moment after the period."""
        after = datetime.combine(self.last + timedelta(days=1), time(), self.zone)
        return after.astimezone(UTC)

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.last - self.first).days + 1

    def visible(self, variant: Variant) -> timedelta:
        """When a result without `issued` is taken to be known, after its specimen was taken."""
        minutes = self.visible_after if variant.visible_after is None else variant.visible_after
        return timedelta(minutes=minutes)
