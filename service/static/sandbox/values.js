// The table of values, each of which can be changed or excluded.

import { h, fill, note } from "../shared/dom.js";
import { newestOfEach } from "./chart.js";

export function drawValues(node, rows, edits, every, changed) {
  const shown = every ? rows : newestOfEach(rows);
  if (!shown.length) {
    fill(node, note("There is no Observation with a value in this chart."));
    return;
  }
  fill(node, h("table", { class: "values" },
    h("thead", {}, h("tr", {}, ["Result", "Value", "Unit", "Exclude"].map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, shown.map((row) => line(row, edits, changed)))));
}

function line(row, edits, changed) {
  const edit = edits.get(row.ref);
  const about = `${row.name}, ${day(row)}`;
  const value = field(edit?.value ?? row.value, `Value of ${about}`, "value");
  const unit = field(edit?.unit ?? row.unit, `Unit of ${about}`, "unit");
  const out = h("input", { type: "checkbox", "aria-label": `Exclude ${about}` });
  out.checked = Boolean(edit?.removed);
  const made = h("tr", {}, h("th", { scope: "row", title: row.code }, row.name, h("span", { class: "day" }, day(row))), h("td", {}, value), h("td", {}, unit),
    h("td", {}, out));
  const take = () => {
    const next = { value: value.value, unit: unit.value, removed: out.checked };
    const same = next.value === row.value && next.unit === row.unit && !next.removed;
    if (same) edits.delete(row.ref);
    else edits.set(row.ref, next);
    mark(made, value, unit, same, next);
    changed();
  };
  for (const input of [value, unit]) input.addEventListener("input", take);
  out.addEventListener("change", take);
  mark(made, value, unit, !edit, edit ?? {});
  return made;
}

function mark(row, value, unit, same, { removed }) {
  row.classList.toggle("edited", !same);
  row.classList.toggle("removed", Boolean(removed));
  value.disabled = unit.disabled = Boolean(removed);
}

function field(text, label, name) {
  const input = h("input", { "aria-label": label, class: name, autocomplete: "off", spellcheck: "false" });
  input.value = text;
  return input;
}

function day(row) {
  return row.taken.slice(0, 10) || "no date";
}
