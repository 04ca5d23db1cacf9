// The evidence of a call: every value with how it was read, what was set aside and why, and where
// the data came from.

import { h, fill, note } from "./dom.js";
import { pairs, section, table } from "./table.js";

export function drawEvidence(node, why, noteWords = {}) {
  if (!why) {
    fill(node, note("The service gave no explanation."));
    return;
  }
  fill(node,
    section("Values used", why.used && used(why.used, noteWords)),
    section("Set aside, and why", setAside(why.setAside)),
    section("How the chart was read", why.statesInWords && pairs(Object.entries(why.statesInWords))),
    section("Proposed", why.proposed && table(["Order", "Priority"], why.proposed.map((each) => [each.order, each.priority]))),
    section("Sources", why.citations?.length ? h("ul", {}, why.citations.map((text) => h("li", {}, String(text.text ?? text)))) : null),
    section("Where the data came from", why.data && pairs(bySource(why.data))));
}

// Most keys come from one place: say each place once.
function bySource(data) {
  const places = new Map();
  for (const [key, place] of Object.entries(data)) places.set(place, [...(places.get(place) ?? []), key]);
  return [...places].map(([place, keys]) => [place, keys.join(", ")]);
}

function setAside(items) {
  if (!items?.length) return note("Nothing: every result that was found could be read.");
  return table(["Result", "Reported", "Why it is not used"],
    items.map((item) => [item.name, item.reported ?? "", item.reason]));
}

function used(items, noteWords) {
  return table(["Result", "As reported", "Taken", "Remarks"], items.map((item) => [
    item.name,
    item.differs && item.reported ? `${item.reported} = ${item.value}` : item.reported ?? `${item.value} (computed)`,
    item.taken ?? "",
    [item.status, ...(item.notes ?? []).map((each) => noteWords[each] ?? each)].filter(Boolean).join(", ")]));
}
