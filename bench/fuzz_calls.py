"""A fuzzer on the body of a hook call: python -m bench.fuzz_calls [--calls 100000] [--seed 1]

Random bytes, and real calls cut, spliced and changed in bytes and in values. Every answer must be
one that a client can expect, in time, and memory must stay flat. Ends with 1 where that fails.
Answers by status, the slowest call, and memory go to standard output.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.calls import sample_calls
from service.app import create_app
from service.cds_hooks.discovery import load_catalogue
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
EXPECTED = {200, 400, 403, 412, 413}
SLOW = 2.0
"""Seconds that one call may take at most."""

GROWTH = 60.0
"""MiB that the process may grow after it has warmed up."""

STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1e308,
    "",
    " ",
    "\x00",
    "\u202e",
    "NaN",
    "Infinity",
    "1e999999999",
    "9999-12-31T23:59:60Z",
    "0000-00-00",
    "<5",
    "../..",
    "Patient/../x",
    "x" * 5000,
    [],
    {},
    [[]],
    {"value": "8.9", "unit": "g/dL"},
    {"reference": "#"},
    {"coding": [{}]},
)


def random_bytes(rng: random.Random, _calls: list[bytes]) -> bytes:
    """A body of random bytes."""
    return rng.randbytes(rng.choice((0, 1, 7, 100, 3000)))


def cut(rng: random.Random, calls: list[bytes]) -> bytes:
    """A real call that ends too soon."""
    call = rng.choice(calls)
    return call[: rng.randrange(len(call))]


def flipped(rng: random.Random, calls: list[bytes]) -> bytes:
    """A real call with bytes changed, left out or doubled."""
    call = bytearray(rng.choice(calls))
    for _ in range(rng.choice((1, 1, 2, 8, 50))):
        at = rng.randrange(len(call))
        kind = rng.randrange(4)
        if kind == 0:
            call[at] = rng.randrange(256)
        elif kind == 1:
            del call[at : at + rng.randrange(1, 30)]
        elif kind == 2:
            call[at:at] = call[at : at + rng.randrange(1, 200)]
        else:
            call[at:at] = rng.choice((b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"1e9"))
    return bytes(call)


def spliced(rng: random.Random, calls: list[bytes]) -> bytes:
    """The beginning of one call and the end of another."""
    one, other = rng.choice(calls), rng.choice(calls)
    return one[: rng.randrange(len(one))] + other[rng.randrange(len(other)) :]


def mutated(rng: random.Random, calls: list[bytes]) -> bytes:
    """Valid JSON: values replaced, members left out, renamed, moved or nested deep."""
    text = rng.choice(calls).decode()
    call = json.loads(text)
    # Most of the time within the data: a wrong frame is refused before anything is read.
    root = call["prefetch"] if rng.random() < 0.85 else call
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        try:
            _change(rng, root)
            text = json.dumps(call)
        except RecursionError:
            break
    return text.encode()


def _change(rng: random.Random, call: Any) -> None:  # noqa: ANN401  any JSON
    holder, key = _place(rng, call)
    if holder is not None:
        holder[key] = rng.choice(CHANGES)(rng, holder[key], call)
        if holder[key] is LEFT_OUT:
            del holder[key]


LEFT_OUT = object()


def _copy(value: Any) -> Any:  # noqa: ANN401  any JSON
    return json.loads(json.dumps(value))


def _elsewhere(rng: random.Random, value: Any, call: Any) -> Any:  # noqa: ANN401
    other, name = _place(rng, call)
    return value if other is None else _copy(other[name])


def _deep(rng: random.Random, value: Any, _call: Any) -> Any:  # noqa: ANN401
    for _ in range(rng.choice((3, 60, 400))):
        value = {"extension": [value]}
    return value


CHANGES: tuple[Callable[[random.Random, Any, Any], Any], ...] = (
    lambda _rng, _value, _call: LEFT_OUT,
    lambda rng, _value, _call: _copy(rng.choice(STRANGE)),
    lambda rng, _value, _call: _copy(rng.choice(STRANGE)),
    lambda rng, value, _call: [_copy(value) for _ in range(rng.choice((0, 2, 20)))],
    lambda rng, value, _call: {rng.choice(("", "id", "value", "resourceType", "entry")): value},
    _elsewhere,
    _deep,
)


def _place(rng: random.Random, root: Any) -> tuple[Any, Any]:  # noqa: ANN401  any JSON
    """A random member; deep ones are preferred, since most readers read those."""
    holder, key = None, None
    node = root
    while isinstance(node, dict | list) and node:
        holder = node
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        node = holder[key]
        if rng.random() < 0.08:
            break
    return holder, key


KINDS: tuple[tuple[Callable[[random.Random, list[bytes]], bytes], int], ...] = (
    (random_bytes, 1),
    (cut, 2),
    (flipped, 3),
    (spliced, 1),
    (mutated, 5),
)


def resident() -> float:
    """MiB of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def attack(
    client: FlaskClient, rng: random.Random, calls: list[bytes], path: str
) -> tuple[str, int, float, bytes]:
    """One call: its kind, status, seconds and body."""
    makers, weights = zip(*KINDS, strict=True)
    maker = rng.choices(makers, weights)[0]
    body = maker(rng, calls)
    started = time.perf_counter()
    answer = client.post(path, data=body, content_type="application/json")
    return maker.__name__, answer.status_code, time.perf_counter() - started, body


def main() -> int:
    """Attack, report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    settings = Settings(database_url="", call_deadline=0.3)
    app = create_app(settings, clock=lambda: NOW, log_stream=_Sink())
    calls = sample_calls(NOW)
    client = app.test_client()
    rng = random.Random(given.seed)  # noqa: S311  repeatable, not secret
    paths = [f"/cds-services/{service.id}" for service in load_catalogue().services]
    statuses: Counter[tuple[str, int]] = Counter()
    slowest, base, peak, wrong = 0.0, 0.0, 0.0, 0
    started = time.perf_counter()
    for number in range(given.calls):
        path = paths[0] if rng.random() < 0.8 else rng.choice(paths)
        kind, status, seconds, body = attack(client, rng, calls, path)
        statuses[kind, status] += 1
        slowest = max(slowest, seconds)
        if status not in EXPECTED or seconds > SLOW:
            wrong += 1
            print(f"call {number}: {kind} {status} {seconds:.2f} s")
            Path(f"fuzz-{given.seed}-{number}.json").write_bytes(body)
        if number % 5000 == 4999:
            gc.collect()
            base = base or resident()
            peak = max(peak, resident())
            print(f"{number + 1:>8} calls, {resident():.0f} MiB", flush=True)
    took = time.perf_counter() - started
    for (kind, status), count in sorted(statuses.items()):
        print(f"{kind:>14} {status} {count:>7}")
    print(
        f"{given.calls} calls in {took:.0f} s, seed {given.seed}; slowest {slowest:.2f} s; memory "
        f"{base:.0f} MiB after 5,000, at most {peak:.0f} MiB; {wrong} wrong"
    )
    return int(wrong > 0 or peak - base > GROWTH)


class _Sink(io.StringIO):
    """Takes log lines and forgets them."""

    def write(self, text: str) -> int:
        return len(text)


if __name__ == "__main__":
    sys.exit(main())
