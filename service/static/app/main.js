// The page to which the EHR sends the browser back: code and state leave the address bar, go to the
// service once, and the evidence is drawn. Nothing is kept: a reload needs a new launch.

import { byId, fill, h } from "../shared/dom.js";
import { drawSources, drawUsed } from "../shared/evidence.js";
import { drawHistory } from "../shared/plot.js";
import { list } from "../shared/table.js";
import { drawWhy } from "../shared/why.js";

const AGAIN = "Open the app again from the card.";
const REFUSALS = {
  access_denied: "The EHR did not allow the app for this patient.",
  invalid_scope: "The EHR does not grant what the app asks for; tell the operator.",
  unauthorized_client: "The EHR does not know this app; tell the operator.",
  temporarily_unavailable: "The EHR's sign-in is not available now; try again later from the card.",
};

async function begin() {
  const returned = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  const [code, state, iss] = ["code", "state", "iss"].map((name) => returned.get(name));
  if (returned.has("error")) {
    fail(Object.hasOwn(REFUSALS, returned.get("error")) ? REFUSALS[returned.get("error")] : `The EHR did not open the app. ${AGAIN}`);
  } else if (!code || !state) {
    fail(`There is no patient open here. ${AGAIN}`);
  } else {
    await ask({ code, state, ...(iss ? { iss } : {}) });
  }
}

async function ask(body) {
  let answer;
  let content;
  try {
    answer = await fetch("/app/evidence", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    content = await answer.json();
  } catch {
    fail(`The service could not be reached, or did not answer as it should. ${AGAIN}`);
    return;
  }
  if (answer.ok) draw(content);
  else fail(sentenceOf(content) ?? `The service could not answer. ${AGAIN}`, content?.issue?.[0]?.diagnostics);
}

function sentenceOf(outcome) {
  const text = outcome?.issue?.[0]?.details?.text;
  return typeof text === "string" ? text : undefined;
}

function fail(sentence, reference) {
  byId("waiting").hidden = true;
  fill(byId("problem"), sentence, reference && h("span", { class: "note" }, ` (${reference})`));
}

function draw({ patient, asked, cards, explanation, noteWords, gaps }) {
  byId("waiting").hidden = true;
  fill(byId("who"), h("strong", {}, patient.name || "name not recorded"),
    patient.birthDate && `, born ${patient.birthDate}`, patient.sex && `, ${patient.sex}`);
  fill(byId("asked"), `Read ${asked.replace("T", " ")}`);
  fill(byId("cards"), drawCards(cards, explanation));
  drawGaps(gaps);
  drawHistory(byId("plots"), explanation);
  drawUsed(byId("values"), explanation, noteWords);
  drawWhy(byId("why"), explanation, { fold: true });
  drawSources(byId("sources"), explanation);
  byId("tools").hidden = false;
  byId("evidence").hidden = false;
  byId("print").addEventListener("click", () => window.print());
}

function drawCards(cards, { sentence, findings }) {
  if (!cards.length) return h("p", { class: "lead" }, sentence);
  const [lead] = (findings ?? []).filter((finding) => finding.indicator);
  return cards.map((card) => h("article", { class: `card ${card.indicator}` },
    h("h3", {}, card.summary),
    lead?.meaning && h("p", {}, lead.meaning),
    lead?.avoid && h("p", {}, `Avoid: ${lead.avoid}`)));
}

function drawGaps(gaps) {
  byId("gaps").hidden = !gaps.length;
  fill(byId("gap-list"), list(gaps, ({ what, why }) => [h("strong", {}, what), `: ${why}`]));
}

begin();
