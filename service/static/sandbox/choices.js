// The left side: whose chart, which hook, which draft, which prefetch keys.

import { Failure } from "./api.js";
import { byId, fill, h, note } from "../shared/dom.js";
import { BrokenJson } from "./json.js";
import { latestOnly } from "./latest.js";
import { keysSent } from "./request.js";
import { findPatients, recognised } from "./source.js";

const SOURCES = ["sample", "server", "file"];

export function setUpChoices(state, setup, { reload, recall, forget }) {
  setUpSamples(setup.samples);
  fill(byId("servers"), setup.servers.map((url) => h("option", { value: url })));
  fill(byId("hook"), setup.services.map(({ hook }) => h("option", { value: hook }, hook)));
  fill(byId("keys"), setup.keys.map((key) => h("label", {},
    h("input", { type: "checkbox", value: key, onchange: chooseKeys }), key)));

  byId("source").addEventListener("change", (event) => {
    state.source = event.target.value;
    Object.assign(state, { keys: undefined, hook: undefined, draft: undefined });
    show();
    reload();
  });
  byId("sample").addEventListener("change", () => {
    Object.assign(state, { sample: byId("sample").value, hook: undefined, draft: undefined });
    show();
    reload();
  });
  byId("hook").addEventListener("change", () => {
    state.hook = byId("hook").value;
    recall();
  });
  byId("draft").addEventListener("change", () => {
    state.draft = byId("draft").value;
    recall();
  });
  byId("preset").addEventListener("change", () => {
    state.keys = byId("preset").value;
    recall();
  });
  for (const [id, name] of [["token", "token"], ["bearer", "bearer"]]) {
    byId(id).addEventListener("change", () => {
      state[name] = byId(id).value.trim();
      if (name === "bearer") recall();
    });
  }
  setUpSearch(state, () => {
    Object.assign(state, { hook: undefined, draft: undefined });
    reload();
  });
  setUpFile(state, forget, () => {
    Object.assign(state, { source: "file", keys: undefined, hook: undefined, draft: undefined });
    show();
    reload();
  });

  function chooseKeys() {
    state.keys = [...byId("keys").querySelectorAll("input:checked")].map((box) => box.value);
    recall();
  }

  function show(chart = null, rows = []) {
    for (const source of SOURCES) byId(`from-${source}`).hidden = source !== state.source;
    byId("source").querySelector(`[value="${state.source}"]`).checked = true;
    if (![...byId("sample").options].some(({ value }) => value === state.sample)) showSamples(setup.samples, "");
    byId("sample").value = state.sample;
    const sample = state.source === "sample" && setup.samples.find(({ name }) => name === state.sample);
    fill(byId("story"), sample ? sample.story : "");
    if (document.activeElement !== byId("server")) byId("server").value = state.server;
    if (!byId("patient").value) byId("patient").value = state.patient;
    if (chart) showCall(state, chart, rows);
  }

  // What a new chart brings along, where the person has chosen nothing.
  function take(chart) {
    state.hook ??= chart.hook ?? "patient-view";
    if (state.draft === undefined || (state.draft === "own" && !chart.draftOrders)) {
      state.draft = chart.draftOrders ? "own" : "b12";
    }
    state.keys ??= state.source === "server" ? "none" : "all";
  }

  function isReady() {
    if (state.source === "server") return Boolean(state.server && state.patient);
    return state.source !== "file" || Boolean(state.given);
  }

  return { show, take, isReady };
}

function setUpSamples(samples) {
  const search = byId("find-sample");
  showSamples(samples, "");
  search.addEventListener("input", () => {
    const found = showSamples(samples, search.value);
    fill(byId("found-samples"), search.value.trim() ? `${found} of ${samples.length} sample patients` : "");
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !byId("sample").options.length) return;
    byId("sample").dispatchEvent(new Event("change"));
  });
}

// Returns how many sample patients have every word in name, person, story or findings.
function showSamples(samples, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = samples.filter((each) => {
    const about = [each.name, each.person, each.story, each.group, ...each.findings].join(" ").toLowerCase();
    return words.every((word) => about.includes(word));
  });
  const groups = [...new Set(wanted.map(({ group }) => group))];
  const chosen = byId("sample").value;
  fill(byId("sample"), groups.map((group) => h("optgroup", { label: group },
    wanted.filter((each) => each.group === group).map((each) => h("option", { value: each.name },
      `${each.person}: ${each.findings.join(", ") || "no card"} (${each.name})`)))));
  if (wanted.some(({ name }) => name === chosen)) byId("sample").value = chosen;
  return wanted.length;
}

function showCall(state, chart, rows) {
  byId("hook").value = state.hook;
  byId("draft-choice").hidden = state.hook === "patient-view";
  byId("draft").querySelector('[value="own"]').hidden = !chart.draftOrders;
  byId("draft").value = state.draft;
  byId("preset").value = Array.isArray(state.keys) ? "some" : state.keys;
  const sent = new Set(keysSent(state, chart, rows));
  for (const box of byId("keys").querySelectorAll("input")) {
    box.checked = sent.has(box.value);
    box.disabled = !(box.value in chart.prefetch);
  }
  const gone = Object.entries(chart.unavailable ?? {}).map(([key, why]) => `${key}: ${why}.`);
  fill(byId("keys-note"), `${sent.size} of ${Object.keys(chart.prefetch).length} keys are sent. `,
    state.edits.size ? "A key that holds a changed value is always sent. " : "", gone.join(" "));
}

function setUpSearch(state, chosen) {
  const newest = latestOnly();
  const found = byId("patients");
  byId("server").addEventListener("change", () => {
    Object.assign(state, { server: byId("server").value.trim(), patient: "" });
    fill(found);
    chosen();
  });
  byId("search").addEventListener("submit", async (event) => {
    event.preventDefault();
    state.server = byId("server").value.trim();
    fill(found, note("Searching …"));
    try {
      const patients = await newest.run((signal) => findPatients(state.server, byId("patient").value, state.token, signal));
      if (patients) fill(found, list(patients));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      fill(found, h("p", { class: "problem" }, [error.title, ...error.issues.map((issue) => issue.text)].join(". ")));
    }
  });

  function list(patients) {
    if (!patients.length) return note("No patient of that name or id.");
    return h("ul", { class: "patients" }, patients.map((patient) => h("li", {}, h("button", {
      type: "button", class: "quiet", onclick: () => take(patient),
    }, patient.name || "no name", h("span", { class: "note" }, ` ${[patient.gender, patient.birthDate, patient.id].filter(Boolean).join(", ")}`)))));
  }

  function take(patient) {
    state.patient = patient.id;
    byId("patient").value = patient.id;
    fill(found, note(`Chosen: ${patient.name || patient.id}`));
    chosen();
  }
}

function setUpFile(state, forget, chosen) {
  const problem = byId("file-problem");

  // The old patient goes before anything is said of the new text.
  function use(text) {
    fill(problem);
    forget();
    try {
      const given = recognised(text);
      if (given.patients?.length > 1) fill(problem, whose(given));
      else take(given);
    } catch (error) {
      if (!(error instanceof BrokenJson) && !(error instanceof Failure)) throw error;
      fill(problem, h("p", { class: "problem" }, error.message, error.hint ? ` ${error.hint}` : ""));
    }
  }

  function take(given) {
    state.given = given;
    chosen();
  }

  function whose(given) {
    const select = h("select", { "aria-label": "Which patient" }, given.patients.map((id) => h("option", {}, id)));
    return [note(`The Bundle holds ${given.patients.length} patients.`), h("div", { class: "row" }, select,
      h("button", { type: "button", onclick: () => take({ ...given, patient: select.value }) }, "Use this one"))];
  }

  async function open(file) {
    if (!file) return;
    const text = await file.text();
    byId("paste").value = text.length < 200000 ? text : "";
    state.source = "file";
    for (const source of SOURCES) byId(`from-${source}`).hidden = source !== "file";
    byId("source").querySelector('[value="file"]').checked = true;
    use(text);
  }

  byId("use-paste").addEventListener("click", () => use(byId("paste").value));
  byId("file").addEventListener("change", (event) => open(event.target.files[0]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    open(event.dataTransfer.files[0]);
  });
}
