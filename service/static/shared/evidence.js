// The evidence of a call: every value with how it was read, what was set aside and why, what the
// findings say at length, on whose word, and where the data came from.

import { h, fill, note } from "./dom.js";
import { list, pairs, section, table } from "./table.js";

export function drawEvidence(node, why, noteWords = {}) {
  if (!why) {
    fill(node, note("The service gave no explanation."));
    return;
  }
  fill(node, ofValues(why, noteWords), ofSources(why));
}

export function drawUsed(node, why, noteWords = {}) {
  fill(node, ofValues(why, noteWords));
}

export function drawSources(node, why) {
  fill(node, ofSources(why));
}

function ofValues(why, noteWords) {
  return [
    section("Values used", why.used && used(why.used, noteWords)),
    section("Set aside, and why", setAside(why.setAside)),
    section("How the chart was read", why.statesInWords && pairs(Object.entries(why.statesInWords))),
  ];
}

function ofSources(why) {
  return [
    section("Proposed", why.proposed && table(["Order", "Priority"], why.proposed.map((each) => [each.order, each.priority]))),
    section("What the findings say", list(why.findings, (each) => [h("strong", {}, each.id), ": ", [each.meaning, ...(each.text ?? [])].filter(Boolean).join(" ")])),
    section("Sources", list(cited(why.findings), ([id, source]) => `${id}: ${source}`)),
    section("Where the data came from", why.data && pairs(bySource(why.data))),
  ];
}

// Each source once, in the order in which the findings name them.
function cited(findings) {
  const sources = (findings ?? []).flatMap((finding) => finding.sources ?? []);
  return [...new Map(sources.filter(({ source }) => source).map(({ id, source }) => [id, source]))];
}

// Most keys come from one place: say each place once.
function bySource(data) {
  const places = new Map();
  for (const [key, place] of Object.entries(data)) places.set(place, [...(places.get(place) ?? []), key]);
  return [...places].map(([place, keys]) => [place, keys.join(", ")]);
}

function setAside(items) {
  if (!items?.length) return note("Nothing: every result that was found could be read.");
  return table(["Result", "Reported", "Taken", "Why it is not used"],
    items.map((item) => [item.name, item.reported ?? "", item.taken ?? "", item.reason]));
}

function used(items, noteWords) {
  return table(["Result", "As reported", "Taken", "Range", "Status", "How it was read"], items.map((item) => [
    item.name,
    item.differs && item.reported ? `${item.reported} = ${item.value}` : item.reported ?? `${item.value} (computed)`,
    item.taken ?? "",
    [item.range, item.flag].filter(Boolean).join(", "),
    item.status ?? "",
    (item.notes ?? []).map((each) => noteWords[each] ?? each).join(", ")]));
}
