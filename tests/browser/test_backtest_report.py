"""The report of a backtest in a browser: accessible, readable without scripts, from one file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.plan import Limit, Plan, Variant
from service.backtest.progress import Progress
from service.backtest.run import Job, run
from tests.support.backtests import count, lines_of, patient

if TYPE_CHECKING:
    from collections.abc import Iterator

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8")
AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLAN = Plan(
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    variants=(Variant(), Variant(name="without bicytopenia", findings_off=("bicytopenia",))),
    limits=(Limit(measure="new_cards_per_100_counts", at_most=3),),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on a dozen persons with pancytopenia, one after the other."""
    folder = tmp_path_factory.mktemp("backtest")
    export = folder / "export"
    export.mkdir()
    resources: list[dict[str, Any]] = []
    for number in range(12):
        name, at = f"p{number:02}", AT + timedelta(days=15 * number)
        resources += [patient(name), *count(at, patient=name)]
        resources += count(at - timedelta(days=300), 14, 7, 4, 250, patient=name)
        resources += count(at + timedelta(days=40), patient=name)
    (export / "all.ndjson").write_bytes(b"\n".join(lines_of(resources)))
    job = Job(
        export=(export,),
        out=folder / "report",
        plan=PLAN,
        load=default_terminology,
        now=lambda: datetime(2027, 9, 1, tzinfo=UTC),
        workers=1,
        memory="256MB",
        scratch=folder / "scratch",
        versions=(),
        parts=1,
    )
    run(job, Progress(lambda _: None, terminal=False))
    return folder / "report" / "report.html"


@pytest.fixture
def requested() -> list[str]:
    """What the page asked for."""
    return []


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(
    request: pytest.FixtureRequest, chromium: Any, report: Path, requested: list[str]
) -> Iterator[Any]:
    """The report in a page of its own."""
    context = chromium.new_context(java_script_enabled=request.param)
    shown = context.new_page()
    shown.on("request", lambda each: requested.append(each.url))
    shown.goto(report.as_uri())
    yield shown
    context.close()


def test_it_is_read_without_scripts_and_asks_for_nothing(
    page: Any, report: Path, requested: list[str]
) -> None:
    text = page.locator("body").inner_text()
    for question in ("How often would it have fired?", "Was it right?", "Whom would it have"):
        assert question in text
    assert page.locator("svg").count() >= 2
    assert all(plot.is_visible() for plot in page.locator("svg").all())
    assert page.locator("script").count() == 0
    assert requested == [report.as_uri()]


@pytest.mark.parametrize("page", [True], indirect=True, ids=["scripts"])
def test_axe_finds_nothing(page: Any) -> None:
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document).then(result => result.violations)")
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found] == []
