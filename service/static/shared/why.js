// Why there is this card, or none: the rule that applies with each of its conditions and its value,
// what would change the answer, and the path through the decision table.

import { h, fill, note } from "./dom.js";
import { list, section } from "./table.js";

const WORDS = {
  fired: "applies",
  false: "does not apply",
  undecided: "undecided",
  "not reached": "not reached",
  "switched off": "switched off here",
};
const MARKS = { fired: "✓", false: "✗", undecided: "?", "not reached": "·", "switched off": "–" };

// `fold`: the way through the table stands behind a click.
export function drawWhy(node, why, { fold = false } = {}) {
  if (!why) {
    fill(node, note("The service gave no explanation (HEME_HOOKS_EXPLANATIONS switches it)."));
    return;
  }
  const fired = (why.rules ?? []).filter((rule) => rule.outcome === "fired");
  fill(node,
    h("p", { class: "lead" }, why.sentence),
    fired.map(conditions),
    section("What would change the answer", changes(why.whatWouldChange)),
    section("What about this patient changes the advice", list(why.modifiers, (item) => `${item.trigger}: ${item.effect}`)),
    section("Not proposed", list(why.withheld, (item) => `${item.order}: ${item.reason}`)),
    section("Held back", list(why.heldBack, (item) => `${item.summary} (${item.reason})`)),
    section("Could not be checked", list(why.couldNotCheck, (item) => item)),
    section("Read from words, not from a code", list(why.readFromWords, taken)),
    why.rules && (fold
      ? h("details", {}, h("summary", {}, "All rules, in the order tried"), path(why.rules))
      : section("All rules, in the order tried", path(why.rules))));
}

// A phrase such as “platelets below 150: 84”: the condition, and what was found.
function conditions(rule) {
  return h("section", { class: "fired-rule" }, h("h3", {}, ruleLink(rule), " applies"),
    list(rule.conditions, (phrase) => {
      const at = phrase.lastIndexOf(": ");
      return at < 0 ? phrase : [phrase.slice(0, at), ": ", h("strong", {}, phrase.slice(at + 2))];
    }));
}

function taken({ text, takenFor, doubted }) {
  return `${text}: ${(takenFor ?? []).join(", ")}${doubted ? " (doubted)" : ""}`;
}

function changes(items) {
  if (!items?.length) return null;
  return h("ul", {}, items.map((item) => h("li", {}, h("strong", {}, item.name),
    ` ${item.to} instead of ${item.from}: `, then(item))));
}

function then({ findings, indicator }) {
  if (!findings?.length) return "no card";
  return `${findings.join(", ")}${indicator ? ` (${indicator})` : ""}`;
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
