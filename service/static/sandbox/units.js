// The unit reader: what one value with this unit and code is read as, or why it is not.

import { Failure, post } from "./api.js";
import { h, fill, note } from "../shared/dom.js";
import { latestOnly } from "./latest.js";

const WORDS = { read: "read", "not-read": "not read", "unknown-code": "unknown code", "read-otherwise": "read, no number" };
const EXAMPLES = [
  ["8,9", "g/dl", "718-7"], ["5.5", "mmol/L", "718-7"], ["84", "K/uL", "777-3"], ["84", "G/L", "777-3"],
  ["1092", "pmol/L", "14685-2"], ["1480", "", "2132-9"], ["20", "ug/L", "2498-4"],
];

export function setUpUnits(node) {
  const fields = Object.fromEntries([["value", "Value"], ["unit", "Unit"], ["code", "LOINC code"], ["low", "Range from"], ["high", "to"]]
    .map(([name, label]) => [name, { label, input: h("input", { autocomplete: "off", spellcheck: "false", size: 9 }) }]));
  const answer = h("div", { id: "unit-answer", "aria-live": "polite" });
  const newest = latestOnly();
  async function ask(event) {
    event?.preventDefault();
    const body = Object.fromEntries(Object.entries(fields).map(([name, { input }]) => [name, input.value.trim()]));
    if (!body.value || !body.code) {
      fill(answer, note("A value and a LOINC code are needed."));
      return;
    }
    try {
      const exchange = await newest.run((signal) => post("/sandbox/data/unit", JSON.stringify(body), signal));
      if (exchange) fill(answer, drawAnswer(exchange.value));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      fill(answer, note(`${error.title}. ${error.hint}`));
    }
  }
  const example = ([value, unit, code]) => h("button", {
    type: "button", class: "quiet",
    onclick: () => {
      Object.entries({ value, unit, code, low: "", high: "" }).forEach(([name, text]) => { fields[name].input.value = text; });
      ask();
    },
  }, `${value} ${unit || "no unit"} (${code})`);
  fill(node,
    note("One result as a laboratory might send it: read as what, or why not."),
    h("form", { class: "bench", onsubmit: ask },
      Object.values(fields).map(({ label, input }) => h("label", {}, label, input)),
      h("button", {}, "Read it")),
    answer,
    h("div", { class: "row examples", role: "group", "aria-label": "Examples" }, EXAMPLES.map(example)));
}

function drawAnswer(given) {
  return h("div", { class: `unit-answer ${given.outcome}` },
    h("p", {}, h("strong", {}, WORDS[given.outcome] ?? given.outcome), " ", given.sentence),
    given.notes && h("ul", {}, given.notes.map((text) => h("li", {}, text))),
    given.display && note(`The code means: ${given.display}`));
}
