// What a developer exports: a curl line, a heme-hooks line, and the files they need.

import { h, fill, note } from "../shared/dom.js";
import { asBundle } from "./chart.js";
import { pretty } from "./json.js";
import { draftsOf, withoutToken } from "./request.js";

const REQUEST = "heme-hooks-request.json";
const CHART = "heme-hooks-chart.json";
const DRAFTS = "heme-hooks-drafts.json";
const MOST_INLINE = 1500;

// `program` is how heme-hooks is called where this service runs.
export function drawExport(node, call, program) {
  const request = withoutToken(call.request);
  const drafts = call.state.hook === "patient-view" ? null : draftsOf(call.state, call.chart);
  const lines = tryLines(call, drafts, quoted(program));
  fill(node,
    h("section", {}, h("h3", {}, "With curl"), command(curl(call, request)),
      call.request.fhirAuthorization && note("The access token is left out.")),
    h("section", {}, h("h3", {}, "With heme-hooks try"), command(lines), note("It makes the same call and prints the card and its evidence in the terminal.")),
    h("section", {}, h("h3", {}, "Files"), h("div", { class: "row" },
      save("Request", REQUEST, () => pretty(request)),
      save("Chart as a Bundle", CHART, () => pretty(asBundle(call.prefetch))),
      drafts && save("Drafted orders", DRAFTS, () => pretty(drafts))),
      note("Files made from a real chart hold a patient’s data: keep them where such data may be.")));
}

function curl(call, request) {
  const text = JSON.stringify(request);
  const data = text.length <= MOST_INLINE ? `--data ${quoted(text)}` : `--data-binary @${REQUEST}`;
  return `curl -sS ${quoted(location.origin + call.url)} \\\n  -H 'Content-Type: application/json' \\\n  ${data}`;
}

function tryLines(call, drafts, program) {
  const { state } = call;
  const hook = state.hook === "patient-view" ? "" : ` --hook ${state.hook}${drafts ? ` --drafts ${DRAFTS}` : ""}`;
  if (state.source === "server" && !state.edits.size) {
    const token = state.token ? " --token-file token.txt" : "";
    return `${program} try --fhir-server ${quoted(state.server)} --patient ${quoted(call.chart.patientId)}${token}${hook} --evidence`;
  }
  if (state.source === "sample" && !state.edits.size) {
    const file = `${state.sample}.json`;
    const lines = [`${program} samples show ${state.sample} > ${file}`];
    if (drafts && state.draft === "own") lines.push(`${program} samples show ${state.sample} --drafts > ${DRAFTS}`);
    return [...lines, `${program} try --bundle ${file}${hook} --evidence`].join("\n");
  }
  return `${program} try --bundle ${CHART}${hook} --evidence`;
}

export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function command(text) {
  const said = h("span", { role: "status", class: "said" });
  return h("div", { class: "command" }, h("pre", { tabindex: 0 }, text),
    h("button", { type: "button", onclick: async () => fill(said, await copy(text)) }, "Copy"), said);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    return "The browser does not allow copying here; select the text instead.";
  }
}

function save(label, name, make) {
  return h("button", { type: "button", onclick: () => download(name, make()) }, `${label} (${name})`);
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
