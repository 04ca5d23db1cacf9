// The path through the decision table: what was tried, where it failed, what was set aside.

import { h, fill, note } from "./dom.js";

const WORDS = {
  fired: "applies",
  false: "does not apply",
  undecided: "undecided",
  "not reached": "not reached",
  "switched off": "switched off here",
};
const MARKS = { fired: "✓", false: "✗", undecided: "?", "not reached": "·", "switched off": "–" };

export function drawWhy(node, response, noteWords) {
  const why = response?.extension?.["heme-hooks"];
  if (!why) {
    fill(node, note("The service gave no explanation (HEME_HOOKS_EXPLANATIONS switches it)."));
    return;
  }
  fill(node,
    h("p", { class: "lead" }, why.sentence),
    section("Rules in the order tried", why.rules && path(why.rules)),
    section("How the chart was read", why.statesInWords && pairs(Object.entries(why.statesInWords))),
    section("Set aside, and why", setAside(why.setAside)),
    section("Values used", why.used && used(why.used, noteWords)),
    section("Modifiers", why.modifiers && list(why.modifiers, (item) => [
      h("strong", {}, item.id), ` ${item.trigger}: ${item.effect}`])),
    section("Not proposed", why.withheld && list(why.withheld, (item) => `${item.order}: ${item.reason}`)),
    section("Held back", why.heldBack && list(why.heldBack, (item) => `${item.summary} (${item.reason})`)),
    section("Could not be checked", why.couldNotCheck && list(why.couldNotCheck, (item) => item)),
    section("Where the data came from", why.data && pairs(bySource(why.data))));
}

function section(title, content) {
  return content ? h("section", {}, h("h3", {}, title), content) : null;
}

function list(items, words) {
  return h("ul", {}, items.map((item) => h("li", {}, words(item))));
}

function pairs(entries) {
  return h("dl", {}, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}

function path(rules) {
  const shown = rules.filter((rule) => rule.outcome !== "not reached");
  const rest = rules.filter((rule) => rule.outcome === "not reached");
  return [h("ol", { class: "path" }, shown.map(step)),
    rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} further rules were not reached`),
      h("ul", {}, rest.map((rule) => h("li", {}, ruleLink(rule)))))];
}

function step(rule) {
  const outcome = Object.hasOwn(WORDS, rule.outcome) ? rule.outcome : "false";
  return h("li", { class: `step ${outcome.replace(" ", "-")}` },
    h("span", { class: "mark", "aria-hidden": true }, MARKS[outcome]),
    h("div", {}, ruleLink(rule), " ", h("span", { class: "outcome" }, WORDS[outcome]),
      rule.condition && h("p", {}, outcome === "undecided" ? "open: " : "not met: ", h("span", { class: "condition" }, rule.condition)),
      rule.settledBy && h("p", {}, `would be settled by ${rule.settledBy.join(", ")}`)));
}

function ruleLink(rule) {
  return h("a", { href: `/knowledge#${rule.id}`, target: "_blank", rel: "noopener" }, rule.id);
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
    [item.status, ...(item.notes ?? []).map((note) => noteWords[note] ?? note)].filter(Boolean).join(", ")]));
}

export function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": heads.join(", ") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}
