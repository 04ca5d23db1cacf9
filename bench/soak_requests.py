"""What the soak sends: charts of every kind, and mistakes on purpose, each with its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bench.calls import PATH, body, sample_calls

if TYPE_CHECKING:
    import random
    from datetime import datetime

MOST_BYTES = 1024 * 1024
"""The service's limit during the soak: large enough for 1,000 Observations, quickly passed."""

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One POST, and the status that it must be answered with."""

    kind: str
    path: str
    data: bytes
    expected: HTTPStatus = HTTPStatus.OK
    content_type: str = JSON
    last: bool = False
    """Whether the connection ends with it: gunicorn hangs up on a body that was not read."""

    def headers(self) -> dict[str, str]:
        """Its headers."""
        ends = {"Connection": "close"} if self.last else {}
        return {"Content-Type": self.content_type, **ends}


class Mix:
    """Requests by chance, in fixed shares."""

    def __init__(self, now: datetime, chance: random.Random) -> None:
        samples = [Request("sample", _path(data), data) for data in sample_calls(now)]
        self._chance = chance
        self._groups = {
            80: samples,
            5: _charts(100, now),
            3: _charts(1000, now),
            12: _mistakes(samples[0].data),
        }

    def next(self) -> Request:
        """Return one more."""
        shares = list(self._groups)
        group = self._groups[self._chance.choices(shares, shares)[0]]
        return self._chance.choice(group)


def _charts(size: int, now: datetime) -> list[Request]:
    kind = f"{size:,} Observations"
    return [Request(kind, PATH, body(size, now, normal=normal)) for normal in (True, False)]


def _path(data: bytes) -> str:
    return f"/cds-services/pancytopenia-{json.loads(data)['hook']}"


def _mistakes(data: bytes) -> list[Request]:
    foreign = json.loads(data) | {"fhirServer": "https://fhir.example/r4", "prefetch": {}}
    order_sign = json.dumps(json.loads(data) | {"hook": "order-sign"}).encode()
    return [
        Request("malformed JSON", PATH, data[:-2], HTTPStatus.BAD_REQUEST),
        Request("wrong hook", PATH, order_sign, HTTPStatus.BAD_REQUEST),
        Request("no such service", "/cds-services/none", data, HTTPStatus.NOT_FOUND),
        Request("unknown FHIR server", PATH, json.dumps(foreign).encode(), HTTPStatus.FORBIDDEN),
        Request(
            "oversized",
            PATH,
            b" " * (MOST_BYTES + 1),
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            last=True,
        ),
        Request("content type", PATH, data, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "text/plain"),
        Request("malformed feedback", f"{PATH}/feedback", b"{}", HTTPStatus.BAD_REQUEST),
    ]
