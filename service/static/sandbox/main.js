// Joins the parts: what is chosen on the left becomes a hook call, its answer is drawn on the right.

import { Failure, get } from "./api.js";
import { callService } from "./call.js";
import { drawActions, drawCards, drawFailure, sizeOf } from "./cards.js";
import { personOf, rowsOf } from "./chart.js";
import { setUpChoices } from "./choices.js";
import { byId, fill, h, note } from "../shared/dom.js";
import { BrokenJson } from "./json.js";
import { debounce, latestOnly } from "./latest.js";
import * as link from "./link.js";
import { drawEvidence } from "../shared/evidence.js";
import { drawHistory } from "../shared/plot.js";
import { drawWhy } from "../shared/why.js";
import { copy, drawExport } from "./export.js";
import { setUpProgress } from "./progress.js";
import { loadChart } from "./source.js";
import { setUpTabs } from "./tabs.js";
import { setUpTheme } from "./theme.js";
import { setUpUnits } from "./units.js";
import { drawValues } from "./values.js";
import { drawWire } from "./wire.js";

const WAIT = 250;

const state = { source: "sample", sample: "", server: "", patient: "", hook: undefined, draft: undefined, keys: undefined, given: null, token: "", bearer: "", edits: new Map(), tab: "why" };
const newest = latestOnly();
const progress = setUpProgress(() => newest.cancel());
let setup = null;
let chart = null;
let rows = [];
let choices = null;
let showTab = null;

async function begin() {
  setUpTheme(byId("theme"));
  setUpUnits(byId("units"));
  showTab = setUpTabs(byId("tabs"), (name) => {
    state.tab = name;
    keepLink();
  });
  byId("copy-link").addEventListener("click", copyLink);
  byId("reset").addEventListener("click", undoAll);
  byId("every-value").addEventListener("change", showValues);
  try {
    setup = (await get("/sandbox/data/setup")).value;
  } catch (error) {
    fail(error);
    return;
  }
  choices = setUpChoices(state, setup, { reload: () => load(), recall: callSoon, forget });
  window.addEventListener("hashchange", fromLink);
  fromLink();
}

// The state in the link, or the first sample; also when a person goes back.
function fromLink() {
  const named = link.read(location.hash);
  if (location.hash && location.hash === link.write(state)) return;
  state.source = named.source ?? "sample";
  state.sample = named.sample ?? setup.seed;
  state.server = named.server ?? setup.servers[0] ?? "";
  state.patient = named.patient ?? "";
  Object.assign(state, { hook: named.hook, draft: named.draft, keys: named.keys });
  showTab(named.tab ?? "why", { tell: false });
  state.tab = named.tab ?? "why";
  choices.show(chart);
  if (state.source === "sample" && !setup.samples.some(({ name }) => name === state.sample)) {
    newest.cancel();
    fail(new Failure(`There is no sample patient called “${state.sample}”.`, { hint: "Choose one of the list above." }));
    return;
  }
  load(named.edits);
}

// Changes that a link brought along hold for the chart it names; a new chart begins without any.
async function load(edits = new Map()) {
  state.edits = edits;
  if (!choices.isReady()) {
    newest.cancel();
    forget();
    return;
  }
  await during("Reading the chart", async (signal) => {
    const loaded = await loadChart(state, signal);
    return { loaded, call: null };
  }, ({ loaded }) => {
    chart = { ...loaded, coreKeys: setup.coreKeys, templates: setup.drafts };
    rows = rowsOf(chart.prefetch);
    choices.take(chart);
    fill(byId("who"), personOf(chart.prefetch));
    showValues();
    return call();
  });
}

function call() {
  if (!chart) return undefined;
  choices.show(chart, rows);
  keepLink();
  return during(`Asking ${state.hook}`, (signal) => callService(state, chart, rows, setup.services, signal), show);
}

const callSoon = debounce(call, WAIT);

// Runs the newest work with its progress; what fails is shown, what is overtaken is not.
async function during(words, work, then) {
  const done = progress.begin(words);
  byId("see").setAttribute("aria-busy", "true");
  try {
    const result = await newest.run(work);
    if (result === undefined) {
      if (done()) cancelled();
      return;
    }
    done();
    await then(result);
  } catch (error) {
    done();
    fail(error);
  } finally {
    if (!progress.isOn()) byId("see").removeAttribute("aria-busy");
  }
}

function show(made) {
  const response = made.exchange?.value;
  if (made.failure) {
    drawFailure(byId("cards"), made.failure);
    fill(byId("status"), made.failure.title);
  } else {
    drawCards(byId("cards"), response, made.service);
    fill(byId("status"), summary(response), " ", h("a", { href: "#why", onclick: goToWhy }, "Why?"));
  }
  const explanation = response?.extension?.["heme-hooks"];
  fill(byId("size"), made.failure ? "" : sizeOf(byId("cards"), response));
  if (made.failure) fill(byId("why"), note("There is nothing to explain: the call was not answered."));
  else drawWhy(byId("why"), explanation);
  drawBehind(made.failure ? null : explanation);
  drawWire(byId("wire"), made, made.failure ? null : drawActions(response));
  drawExport(byId("export"), made, setup.command);
}

function drawBehind(explanation) {
  if (explanation) {
    drawHistory(byId("plots"), explanation, { fold: true });
    drawEvidence(byId("evidence"), explanation, setup.noteWords);
    return;
  }
  fill(byId("plots"));
  fill(byId("evidence"), note("There is no evidence: the call was not answered."));
}

// The fragment holds the state, so that the link moves there by itself.
function goToWhy(event) {
  event.preventDefault();
  showTab("why", { focus: true });
  byId("behind-title").scrollIntoView();
}

function summary(response) {
  const cards = response?.cards ?? [];
  if (!cards.length) return "No card.";
  const kinds = cards.map((card) => card.indicator).join(", ");
  return `${cards.length} ${cards.length === 1 ? "card" : "cards"}: ${kinds}.`;
}

function fail(error) {
  if (error instanceof BrokenJson) error = new Failure(error.message);
  if (!(error instanceof Failure)) throw error;
  forget();
  drawFailure(byId("cards"), error);
  fill(byId("status"), error.title);
}

function forget() {
  chart = null;
  rows = [];
  fill(byId("values"));
  fill(byId("cards"), note("Choose a chart to see what the service says."));
  for (const id of ["why", "evidence", "wire", "export"]) fill(byId(id), note("There has been no call yet."));
  for (const id of ["who", "size", "plots"]) fill(byId(id));
  fill(byId("status"));
}

function cancelled() {
  fill(byId("status"), "Cancelled. What is shown may be older than what is chosen.");
}

function showValues() {
  drawValues(byId("values"), rows, state.edits, byId("every-value").checked, () => {
    byId("reset").hidden = !state.edits.size;
    keepLink();
    callSoon();
  });
  byId("reset").hidden = !state.edits.size;
}

function undoAll() {
  state.edits.clear();
  showValues();
  callSoon();
  byId("values").focus();
}

function keepLink() {
  const wanted = link.write(state);
  if (location.hash !== wanted) history.replaceState(null, "", wanted || location.pathname);
}

async function copyLink() {
  const wanted = link.write(state);
  const button = byId("copy-link");
  const said = wanted
    ? await copy(location.origin + location.pathname + wanted)
    : "A file has no link: its content stays here.";
  fill(byId("status"), said, state.edits.size && wanted ? h("span", {}, " It holds the values that you changed.") : null);
  button.focus();
}

begin();
