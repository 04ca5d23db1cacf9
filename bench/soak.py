"""A long run at a steady rate: does each call get the answer it should, and is memory flat?

    python -m bench.soak --minutes 30 --rate 20

gunicorn with two workers, the store on PostgreSQL where the machine has one, else SQLite, and the
audit in a file. Calls come at their time whether or not the one before is answered; latency counts
from that time. All sample patients and large charts, feedback on the cards, and mistakes on
purpose. On loopback only, bounded in number and time; ends with 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bench.calls import present
from bench.databases import database
from bench.feedback_items import feedback_on
from bench.servers import OURS, WORKERS, Server, start
from bench.soak_report import Sample, Tally, tables, verdict
from bench.soak_requests import MOST_BYTES, Mix, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CALLS = 500_000
SENDERS = 16
PATIENCE = 30.0


class Sender:
    """Sends requests, each thread over a connection of its own, and answers the cards."""

    def __init__(self, base: str, tally: Tally) -> None:
        self._base = base
        self._tally = tally
        self._own = threading.local()

    def send(self, request: Request, due: float) -> None:
        """Send one, note its answer, and give feedback on its cards."""
        cards = self._post(request, due)
        if cards:
            items = json.dumps(feedback_on(cards, present())).encode()
            self._tally.note_cards(len(cards))
            self._post(Request("feedback", f"{request.path}/feedback", items), time.monotonic())

    def _post(self, request: Request, due: float) -> list[dict[str, object]]:
        url = self._base + request.path
        try:
            answer = self._session().post(
                url, data=request.data, headers=request.headers(), timeout=PATIENCE
            )
        except requests.RequestException as error:
            name = type(error).__name__
            self._tally.note(request.kind, name, time.monotonic() - due, expected=False)
            return []
        as_expected = answer.status_code == request.expected
        status, seconds = str(answer.status_code), time.monotonic() - due
        self._tally.note(request.kind, status, seconds, expected=as_expected)
        return answer.json().get("cards", []) if answer.ok else []

    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
            self._own.session.trust_env = False
        session: requests.Session = self._own.session
        return session


def send_all(sender: Sender, mix: Mix, calls: int, rate: float) -> None:
    """Send this many calls, each at its time."""
    started = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as senders:
        for number in range(calls):
            due = started + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            senders.submit(sender.send, mix.next(), due)


def watch(server: Server, tally: Tally, every: float, over: threading.Event) -> list[Sample]:
    """Look at the server now and then, and once more when it is over."""
    samples: list[Sample] = []
    started = before = time.monotonic()
    cpu_before = server.cpu()
    ended = False
    while not ended:
        ended = over.wait(every)
        now, cpu = time.monotonic(), server.cpu()
        share = (cpu - cpu_before) / (now - before)
        sample = Sample((now - started) / 60, server.memory(), share, tuple(tally.look()))
        print(" | ".join(sample.row()), flush=True)
        samples.append(sample)
        before, cpu_before = now, cpu
    return samples


def soak(options: argparse.Namespace) -> bool:
    """Serve, send, watch and report; whether all is well."""
    calls = min(int(options.minutes * 60 * options.rate), MOST_CALLS)
    tally, over = Tally(), threading.Event()
    mix = Mix(present(), random.Random(options.seed))  # noqa: S311  repeatable, not secret
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(database(folder))
        audit = folder / "audit.jsonl"
        server = start(stack, "soak", OURS, _settings(store.new_store(), audit))
        sending = threading.Thread(
            target=_sending, args=(Sender(server.base, tally), mix, calls, options.rate, over)
        )
        sending.start()
        samples = watch(server, tally, options.every, over)
        sending.join()
        lines = len(audit.read_text(encoding="utf-8").splitlines())
    well, sentences = verdict(samples, tally, options.most_growth)
    print("", *tables(samples, tally), "", *sentences, sep="\n")
    print(f"- {WORKERS} workers, {options.rate:g} calls a second, store on {store.name}, ", end="")
    print(f"{lines:,} lines of audit. {'All is well.' if well else 'Something is wrong.'}")
    return well


def _sending(sender: Sender, mix: Mix, calls: int, rate: float, over: threading.Event) -> None:
    try:
        send_all(sender, mix, calls, rate)
    finally:
        over.set()


def _settings(store: str, audit: Path) -> Mapping[str, str]:
    return {
        "HEME_HOOKS_DATABASE_URL": store,
        "HEME_HOOKS_AUDIT_LOG": str(audit),
        "HEME_HOOKS_MAX_REQUEST_BYTES": str(MOST_BYTES),
    }


def main() -> int:
    """Read the command line and run; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second, without feedback")
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two looks")
    parser.add_argument("--most-growth", type=float, default=12.0, help="MB an hour")
    parser.add_argument("--seed", type=int, default=1)
    return 0 if soak(parser.parse_args()) else 1


if __name__ == "__main__":
    sys.exit(main())
