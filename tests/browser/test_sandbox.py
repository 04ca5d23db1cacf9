"""The sandbox page as a CDS developer uses it, in a real browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import requests
from click.testing import CliRunner

from service import samples
from service.app import utc_now
from service.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.pages import Sandbox

INDEX = "exclude a marrow disorder"


def test_it_opens_with_a_card_and_its_reason(sandbox: Sandbox) -> None:
    sandbox.open()
    assert INDEX in sandbox.cards[0]
    why = sandbox.page.get_by_role("tabpanel", name="Why")
    assert "index-pattern applies" in why.inner_text()
    assert "vitamin B12 is being ordered" in why.inner_text()
    changes = why.locator("section", has_text="What would change the answer").first
    assert "Platelets 19 10*9/L instead of 84 10*9/L" in changes.inner_text()


def test_a_changed_hemoglobin_changes_the_cards_and_undoing_brings_them_back(
    sandbox: Sandbox,
) -> None:
    sandbox.open()
    before = sandbox.cards
    sandbox.value_of("Hemoglobin").fill("12.1")
    sandbox.page.wait_for_function(
        "first => document.querySelector('#cards h3')?.innerText !== first", arg=before[0]
    )
    assert INDEX not in sandbox.cards[0]
    why = sandbox.page.get_by_role("tabpanel", name="Why").inner_text()
    assert "12.1 g/dL" in why
    sandbox.page.get_by_role("button", name="Undo all changes").click()
    sandbox.wait_for_card(INDEX)
    assert sandbox.cards == before


def test_a_value_that_is_taken_out_was_not_measured(sandbox: Sandbox) -> None:
    sandbox.open()
    sandbox.page.get_by_label("Exclude Cobalamin (Vitamin B12)").check()
    sandbox.page.locator("#why", has_text="incomplete-workup applies").wait_for()


def test_a_unit_that_cannot_be_read_is_set_aside_with_its_reason(sandbox: Sandbox) -> None:
    sandbox.open()
    sandbox.page.get_by_label("Unit of Platelets").first.fill("bananas")
    row = sandbox.tab("Evidence").locator("tr", has_text="84 bananas")
    row.wait_for()
    assert "bananas" in row.inner_text()


def test_a_drafted_b12_and_a_drafted_iron_are_questioned(sandbox: Sandbox) -> None:
    sandbox.open()
    sandbox.page.get_by_label("Hook", exact=True).select_option("order-select")
    sandbox.page.locator("#why", has_text="b12-order-without-deficiency applies").wait_for()
    sandbox.page.get_by_label("Drafted order").select_option("iron")
    sandbox.page.locator("#why", has_text="iron-order-without-deficiency applies").wait_for()
    sandbox.page.get_by_label("Hook", exact=True).select_option("order-sign")
    sandbox.page.get_by_label("Drafted order").select_option("")
    sandbox.page.locator("#why li", has_text="iron-order-without-deficiency does not").wait_for()


def test_a_patient_is_found_by_name_on_a_fhir_server_and_the_searches_are_told(
    sandbox: Sandbox, fhir_server: str
) -> None:
    sandbox.open()
    sandbox.page.get_by_label("FHIR server", exact=True).check()
    sandbox.page.get_by_label("FHIR server (R4 base address)").fill(fhir_server)
    sandbox.page.get_by_label("Patient by name or id").fill("Sample-")
    sandbox.page.get_by_role("button", name="Search").click()
    sandbox.page.locator(".patients button", has_text="heme-hooks-index-pattern").click()
    sandbox.wait_for_card(INDEX)
    searches = sandbox.tab("Request and response").locator(".searches tbody tr")
    rows = searches.all_inner_texts()
    assert any(row.startswith("bloodCounts") and re.search(r"\d+ ms", row) for row in rows)
    assert any(row.startswith("vitaminB12") for row in rows)
    assert sandbox.page.url.partition("#")[2].startswith("server=http%3A%2F%2F127.0.0.1")
    assert "patient=heme-hooks-index-pattern" in sandbox.page.url


def test_a_value_of_a_server_patient_can_be_changed(sandbox: Sandbox, fhir_server: str) -> None:
    sandbox.open(f"#server={fhir_server}&patient=heme-hooks-index-pattern")
    before = sandbox.cards
    sandbox.value_of("Hemoglobin").fill("14")
    sandbox.page.wait_for_function(
        "first => document.querySelector('#cards h3')?.innerText !== first", arg=before[0]
    )
    told = sandbox.tab("Request and response").locator("pre[aria-label=request]").inner_text()
    assert set(json.loads(told)["prefetch"]) == {"bloodCounts"}
    assert json.loads(told)["fhirServer"] == fhir_server


def test_a_link_brings_the_state_back_and_holds_no_patient_data(
    sandbox: Sandbox, service: str
) -> None:
    sandbox.open("#sample=low-b12&hook=order-select&draft=iron&prefetch=core&tab=export")
    sandbox.value_of("Hemoglobin").fill("5.5")
    sandbox.page.wait_for_timeout(400)
    fragment = sandbox.page.url.partition("#")[2]
    edit = next(part for part in fragment.split("&") if part.startswith("edit="))
    assert "5.5" in edit
    assert sorted(fragment.split("&")) == sorted(
        ["sample=low-b12", "hook=order-select", "draft=iron", "prefetch=core", "tab=export", edit]
    )
    again = sandbox.page.context.new_page()
    again.goto(sandbox.page.url)
    again.wait_for_selector("#cards .card")
    assert again.get_by_label("Drafted order").input_value() == "iron"
    assert again.get_by_role("tab", name="Export").get_attribute("aria-selected") == "true"
    assert again.get_by_label("Value of Hemoglobin").first.input_value() == "5.5"


def test_a_dropped_bundle_is_called_about_and_leaves_no_link(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.open()
    drop(sandbox, json.dumps(samples.sample_bundle("blasts", utc_now())))
    sandbox.wait_for_card("blasts reported")
    assert "#" not in sandbox.page.url


def test_a_bundle_of_two_patients_asks_which(sandbox: Sandbox) -> None:
    one, other = (samples.sample_bundle(name, utc_now()) for name in ("blasts", "normal"))
    sandbox.open()
    sandbox.page.get_by_label("File or paste").check()
    both = {**one, "entry": [*one["entry"], *other["entry"]]}
    sandbox.page.get_by_label("A FHIR Bundle of one patient").fill(json.dumps(both))
    sandbox.page.get_by_role("button", name="Use this", exact=True).click()
    sandbox.page.get_by_label("Which patient").select_option("heme-hooks-normal")
    sandbox.page.get_by_role("button", name="Use this one").click()
    sandbox.wait_for_card("No card.")


def test_a_whole_hook_request_is_sent_as_it_is(sandbox: Sandbox) -> None:
    sandbox.open()
    request = sandbox.tab("Request and response").locator("pre[aria-label=request]")
    text = request.inner_text()
    sandbox.page.get_by_label("Sample patient").first.check()
    drop(sandbox, text.replace('"Practitioner/heme-hooks-sandbox"', '"Practitioner/77"'))
    sandbox.page.locator("pre[aria-label=request]", has_text="Practitioner/77").wait_for()
    sandbox.wait_for_card(INDEX)


BROKEN = {
    '{"resourceType": "Bundle",\n  "entry": [}': "line 2, column 13",
    '{"resourceType": "Patient", "id": "1"}': "a FHIR Patient",
    "[1]": "neither a Bundle nor a hook request",
    "": "nothing here yet",
}


def test_what_cannot_be_used_is_said_at_its_place(sandbox: Sandbox) -> None:
    sandbox.open()
    sandbox.page.get_by_label("File or paste").check()
    for text, told in BROKEN.items():
        sandbox.page.get_by_label("A FHIR Bundle of one patient").fill(text)
        sandbox.page.get_by_role("button", name="Use this", exact=True).click()
        sandbox.page.locator("#file-problem", has_text=told).wait_for()


def test_nothing_prefetched_and_no_server_is_412_with_the_keys(sandbox: Sandbox) -> None:
    sandbox.expect_refusal(412)
    sandbox.open()
    sandbox.page.get_by_label("Prefetched", exact=True).select_option("none")
    failure = sandbox.page.locator("#cards .failure")
    failure.wait_for()
    assert "The service answered 412" in failure.inner_text()
    assert "prefetch.bloodCounts" in failure.inner_text()
    sandbox.page.get_by_label("Prefetched", exact=True).select_option("all")
    sandbox.wait_for_card(INDEX)


def test_a_fhir_server_that_is_not_there_is_said(sandbox: Sandbox) -> None:
    sandbox.expect_refusal(412)
    sandbox.expect_refusal(403)
    sandbox.open()
    sandbox.page.get_by_label("FHIR server", exact=True).check()
    server = sandbox.page.get_by_label("FHIR server (R4 base address)")
    server.fill("http://127.0.0.1:9/fhir")
    sandbox.page.get_by_role("button", name="Search").click()
    sandbox.page.locator("#patients", has_text="could not be reached").wait_for()
    server.fill("https://elsewhere.example/fhir")
    sandbox.page.get_by_role("button", name="Search").click()
    sandbox.page.locator("#patients", has_text="HEME_HOOKS_FHIR_SERVERS").wait_for()


def test_a_service_that_is_gone_is_said_and_found_again(sandbox: Sandbox) -> None:
    sandbox.expected.append("ERR_FAILED")
    sandbox.open()
    sandbox.page.route("**/cds-services/*", lambda route: route.abort())
    sandbox.value_of("Hemoglobin").fill("9.1")
    sandbox.page.locator("#cards", has_text="The service does not answer").wait_for()
    sandbox.page.unroute("**/cds-services/*")
    sandbox.value_of("Hemoglobin").fill("9.2")
    sandbox.wait_for_card(INDEX)


def test_accepting_and_overriding_send_feedback(sandbox: Sandbox) -> None:
    sandbox.open()
    sent: list[Any] = []
    sandbox.page.on(
        "request",
        lambda request: (
            sent.append(request.post_data_json["feedback"][0])
            if request.url.endswith("/feedback")
            else None
        ),
    )
    card = sandbox.page.locator("#cards .card").first
    card.get_by_role("button", name="Refer to hematology").click()
    card.locator(".said", has_text="stored (HTTP 200)").wait_for()
    assert card.get_by_role("button", name="Refer to hematology").is_disabled()
    card.get_by_text("Dismiss", exact=True).click()
    card.get_by_label("Reason").select_option(index=1)
    card.get_by_label("Comment").fill("Known since spring")
    card.get_by_role("button", name="Dismiss this card").click()
    card.locator(".said", has_text="Dismissed").wait_for()
    accepted, overridden = sent
    assert accepted["outcome"] == "accepted"
    assert accepted["acceptedSuggestions"][0]["id"]
    assert overridden["outcome"] == "overridden"
    assert overridden["overrideReason"]["userComment"] == "Known since spring"
    assert set(overridden["overrideReason"]["reason"]) == {"code", "system"}
    assert accepted["outcomeTimestamp"].endswith("Z")


def test_a_late_answer_never_replaces_a_newer_one(sandbox: Sandbox) -> None:
    sandbox.open()
    held: list[Any] = []

    def hold_the_first(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    sandbox.page.route("**/cds-services/*", hold_the_first)
    # A browser that cannot abort: the guard itself has to hold.
    sandbox.page.evaluate("AbortController.prototype.abort = () => {}")
    sandbox.value_of("Hemoglobin").fill("5.1")
    sandbox.page.wait_for_function("() => !document.querySelector('#progress').hidden")
    sandbox.value_of("Hemoglobin").fill("14")
    sandbox.page.locator("#why", has_text="14 g/dL").wait_for()
    newer = sandbox.cards
    body = {"cards": [{"summary": "late", "indicator": "info", "source": {"label": "late"}}]}
    held[0].fulfill(status=200, content_type="application/json", body=json.dumps(body))
    sandbox.page.wait_for_timeout(200)
    assert sandbox.cards == newer


def test_long_work_shows_progress_and_can_be_cancelled(sandbox: Sandbox) -> None:
    sandbox.open()
    before = sandbox.cards
    sandbox.page.route("**/cds-services/*", lambda route: None)
    sandbox.value_of("Hemoglobin").fill("14")
    sandbox.page.get_by_text(re.compile(r"Asking patient-view … 0\.\d s")).wait_for()
    sandbox.page.get_by_role("button", name="Cancel").click()
    sandbox.page.locator("#status", has_text="Cancelled").wait_for()
    assert sandbox.page.locator("#progress").is_hidden()
    assert sandbox.cards == before


HOSTILE = """
**bold stays**

<script>window.hacked = 1</script>
<img src="https://evil.example/x.png" onerror="window.hacked = 2">
![picture](https://evil.example/y.png)
<svg onload="window.hacked = 3"><a xlink:href="javascript:window.hacked=4"><text>x</text></a></svg>
<iframe srcdoc="<script>parent.hacked = 5</script>"></iframe>
<form action="https://evil.example"><input name="q"><button>Go</button></form>
<style>body { display: none }</style> <div style="position:fixed;inset:0" id="cards">over</div>
<details ontoggle="window.hacked = 6" open><summary>s</summary></details>
[click](javascript:window.hacked=7) [data](data:text/html,<script>parent.hacked=8</script>)
<a href="&#106;avascript:window.hacked=9">entity</a> <base href="https://evil.example/">
<meta http-equiv="refresh" content="0;url=https://evil.example/">
<math><mtext><table><mglyph><style><img src=x onerror="window.hacked=10">
"""


def test_a_hostile_card_does_nothing(sandbox: Sandbox) -> None:
    card = {
        "uuid": "c1",
        "summary": "<img src=x onerror=window.hacked=11> hostile",
        "detail": HOSTILE,
        "indicator": "<b>",
        "source": {"label": "<i>x</i>", "url": "javascript:window.hacked=12"},
        "links": [{"label": "go", "url": "javascript:window.hacked=13", "type": "absolute"}],
        "suggestions": [{"label": "<script>", "uuid": "s1", "actions": []}],
        "selectionBehavior": "any",
    }
    sandbox.page.route(
        "**/cds-services/*",
        lambda route: route.fulfill(
            status=200, content_type="application/json", body=json.dumps({"cards": [card]})
        ),
    )
    # While the text is cleaned, in a document without scripts, Chromium reports what its policy
    # would refuse there.
    sandbox.expected.append("violates the following Content Security Policy")
    sandbox.open()
    sandbox.page.locator(".detail", has_text="bold stays").wait_for()
    shown = sandbox.page.locator("#cards")
    for link in shown.locator(".detail a").all():
        link.click()
    sandbox.page.wait_for_timeout(200)
    assert sandbox.page.evaluate("window.hacked") is None
    for tag in ("script", "img", "svg", "iframe", "style", "form:not(.override)", "base", "meta"):
        assert shown.locator(tag).count() == 0, tag
    links = shown.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert not [href for href in links if href and not href.startswith(("http", "/"))]
    assert "<img src=x" in sandbox.cards[0]
    assert sandbox.page.locator("#cards").count() == 1


def test_four_results_are_plotted_with_the_limits_used(sandbox: Sandbox) -> None:
    sandbox.open()
    plots = sandbox.page.locator("#plots").get_by_role("img")
    spoken = [plot.get_attribute("aria-label") for plot in plots.all()]
    assert len(spoken) == 4
    assert re.search(
        r"Hemoglobin in g/dL: \d results, the last 8.9 g/dL .*lower limit 12", spoken[0]
    )
    assert re.search(r"B12.*the last 1480 pg/mL.*lower limit 200, upper limit 900", spoken[3])


def test_transfusions_and_medicines_are_marked_on_the_time_axis(sandbox: Sandbox) -> None:
    sandbox.open("#sample=transfused")
    plots = sandbox.page.locator("#plots")
    assert "▲ Transfusion of red blood cells" in plots.inner_text()
    assert plots.locator("svg").first.locator("path.marked").count() == 1
    sandbox.open("#sample=methotrexate")
    plots.locator("li", has_text="▬ methotrexate").wait_for()
    assert plots.locator("svg").first.locator("path.marked.drug").count() == 1


def test_what_is_taken_away_makes_the_same_call(sandbox: Sandbox, service: str) -> None:
    sandbox.open()
    panel = sandbox.tab("Export")
    curl = panel.locator("pre").first.inner_text()
    assert f"{service}/cds-services/pancytopenia-patient-view" in curl
    assert "heme-hooks samples show index-pattern" in panel.inner_text()
    saved = {}
    for name in ("Request", "Chart as a Bundle"):
        with sandbox.page.expect_download() as download:
            panel.get_by_role("button", name=name).click()
        saved[name] = download.value.path()
    answer = requests.request(
        "POST",
        f"{service}/cds-services/pancytopenia-patient-view",
        data=saved["Request"].read_bytes(),
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    assert [card["summary"] for card in answer.json()["cards"]] == sandbox.cards
    tried = CliRunner().invoke(main, ["try", "--bundle", str(saved["Chart as a Bundle"]), "--json"])
    assert [card["summary"] for card in json.loads(tried.stdout)["cards"]] == sandbox.cards


ON_THE_BENCH = (
    ("5.5", "mmol/L", "718-7", "Read as Hemoglobin 8.8"),
    ("84", "G/L", "777-3", "Read as Platelets 84 10*9/L"),
    ("84", "bananas", "777-3", "Not read"),
    ("1", "g", "99999-9", "is in no table"),
)


def test_the_unit_bench_tells_what_or_why_not(sandbox: Sandbox) -> None:
    sandbox.open()
    bench = sandbox.tab("Unit reader")
    for value, unit, code, told in ON_THE_BENCH:
        bench.get_by_label("Value").fill(value)
        bench.get_by_label("Unit", exact=True).fill(unit)
        bench.get_by_label("LOINC code").fill(code)
        bench.get_by_role("button", name="Read it").click()
        bench.locator("#unit-answer", has_text=told).wait_for()


def test_the_keyboard_reaches_cards_and_tabs(sandbox: Sandbox) -> None:
    sandbox.open()
    sandbox.page.keyboard.press("Tab")
    assert sandbox.page.evaluate("document.activeElement.textContent") == "Skip to the card"
    sandbox.page.get_by_role("tab", name="Why").focus()
    sandbox.page.keyboard.press("ArrowRight")
    assert sandbox.page.get_by_role("tabpanel", name="Evidence").is_visible()
    sandbox.page.keyboard.press("End")
    assert sandbox.page.get_by_role("tabpanel", name="Unit reader").is_visible()
    sandbox.page.keyboard.press("ArrowRight")
    assert sandbox.page.get_by_role("tabpanel", name="Why").is_visible()


def test_sample_patients_are_found_by_name_and_by_what_they_show(sandbox: Sandbox) -> None:
    sandbox.open()
    find = sandbox.page.get_by_label("Find by name or by what it shows")
    find.fill("blasts child")
    assert sandbox.page.locator("#sample option").count() == 1
    find.press("Enter")
    sandbox.wait_for_card("Patient under 18")
    assert "female" in sandbox.page.locator("#who").inner_text() or "male" in (
        sandbox.page.locator("#who").inner_text()
    )
    find.fill("no such patient")
    assert sandbox.page.locator("#sample option").count() == 0


def test_a_sample_that_does_not_exist_is_said(sandbox: Sandbox) -> None:
    sandbox.open("#sample=nope")
    failure = sandbox.page.locator("#cards .failure")
    assert "no sample patient called “nope”" in failure.inner_text()


def test_a_file_that_cannot_be_read_takes_the_old_card_away(sandbox: Sandbox) -> None:
    sandbox.open()
    assert sandbox.cards
    drop(sandbox, "this is no JSON")
    sandbox.page.locator("#file-problem", has_text="not JSON").wait_for()
    assert sandbox.cards == []
    assert sandbox.page.locator("#who").inner_text() == ""
    assert sandbox.page.locator("#values table").count() == 0


def test_a_failed_chart_takes_the_old_card_away(sandbox: Sandbox) -> None:
    sandbox.expect_refusal(400)
    sandbox.open()
    drop(sandbox, '{"resourceType": "Bundle", "type": "collection", "entry": []}')
    sandbox.page.locator("#cards .failure").wait_for()
    assert sandbox.cards == []
    assert sandbox.page.locator("#plots svg").count() == 0


def test_an_access_token_goes_to_the_call_and_into_no_link(
    sandbox: Sandbox, fhir_server: str
) -> None:
    sandbox.open()
    sandbox.page.get_by_label("FHIR server", exact=True).check()
    sandbox.page.get_by_label("FHIR server (R4 base address)").fill(fhir_server)
    sandbox.page.get_by_label("Access token").fill("very-secret-token")
    sandbox.page.get_by_label("Patient by name or id").fill("Sample-")
    sandbox.page.get_by_role("button", name="Search").click()
    with sandbox.page.expect_request("**/cds-services/*") as asked:
        sandbox.page.locator("#patients button").first.click()
    sent = asked.value.post_data_json
    assert sent["fhirAuthorization"]["access_token"] == "very-secret-token"
    sandbox.page.wait_for_selector("#cards .card, #cards .empty")
    assert "secret" not in sandbox.page.url
    assert "very-secret" not in sandbox.tab("Request and response").inner_text()
    assert "very-secret" not in sandbox.tab("Export").inner_text()


def drop(sandbox: Sandbox, text: str) -> None:
    """Drop a file on the page."""
    sandbox.page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.items.add(new File([text], "dropped.json", { type: "application/json" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        text,
    )
