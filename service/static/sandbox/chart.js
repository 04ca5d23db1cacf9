// The Observations of a chart as rows with one value each, and a chart with some of them changed.

import { number, shown } from "./json.js";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?$/;
const FIRST = ["718-7", "26464-8", "6690-2", "751-8", "26499-4", "777-3", "26515-7", "787-2"];

// One row per value: an Observation's own, or one of its components.
export function rowsOf(prefetch) {
  const rows = new Map();
  for (const [key, value] of Object.entries(prefetch)) {
    entriesOf(value).forEach((resource, place) => {
      if (resource.resourceType !== "Observation") return;
      const id = resource.id ?? `${key}-${place}`;
      valuedParts(resource).forEach(([part, index]) => {
        const ref = index === null ? id : `${id}#${index}`;
        if (rows.has(ref)) rows.get(ref).keys.push(key);
        else rows.set(ref, row(ref, key, resource, part));
      });
    });
  }
  return [...rows.values()].sort(byWeightThenTime);
}

// Name, age and sex of the Patient in the chart, as the line above the card has them.
export function personOf(prefetch, today = new Date()) {
  const patient = prefetch.patient ?? {};
  const name = patient.name?.[0] ?? {};
  const words = name.text || [...(name.given ?? []), name.family].filter(Boolean).join(" ");
  return [words || "name unknown", ageOf(patient.birthDate, today), patient.gender || "sex unknown"].join(", ");
}

function ageOf(birthDate, today) {
  const [year, month = "01", day = "01"] = String(birthDate ?? "").split("-");
  if (!/^\d{4}$/.test(year)) return "age unknown";
  const had = [today.getMonth() + 1, today.getDate()];
  const before = had[0] < Number(month) || (had[0] === Number(month) && had[1] < Number(day));
  return `${today.getFullYear() - Number(year) - (before ? 1 : 0)} years`;
}

function entriesOf(value) {
  if (!Array.isArray(value?.entry)) return [];
  return value.entry.map((entry) => entry?.resource).filter((r) => r && typeof r === "object");
}

function valuedParts(resource) {
  const parts = [[resource, null], ...(resource.component ?? []).map((part, n) => [part, n])];
  return parts.filter(([part]) => part && (part.valueQuantity || typeof part.valueString === "string"));
}

function row(ref, key, resource, part) {
  const quantity = part.valueQuantity;
  return {
    ref,
    keys: [key],
    code: codeOf(part.code),
    name: nameOf(part.code),
    taken: resource.effectiveDateTime ?? resource.effectivePeriod?.start ?? resource.issued ?? "",
    value: quantity ? `${quantity.comparator ?? ""}${shown(quantity.value)}` : part.valueString,
    unit: quantity ? (quantity.unit ?? quantity.code ?? "") : "",
  };
}

function codeOf(concept) {
  const codings = Array.isArray(concept?.coding) ? concept.coding : [];
  return (codings.find((coding) => coding?.system === "http://loinc.org") ?? codings[0])?.code ?? "";
}

function nameOf(concept) {
  const name = concept?.text || concept?.coding?.find((coding) => coding?.display)?.display;
  return (name || codeOf(concept) || "no name").replace(/ (by|in) .*$/, "").replace(/ \[.*\]/, "");
}

function byWeightThenTime(one, other) {
  return weight(one) - weight(other) || one.name.localeCompare(other.name) || when(other) - when(one);
}

function weight(item) {
  const place = FIRST.indexOf(item.code);
  if (place >= 0) return place;
  const studied = ["ironStudies", "vitaminB12", "hemolysis"].some((key) => item.keys.includes(key));
  return studied ? 50 : 90;
}

function when(item) {
  return Date.parse(item.taken) || 0;
}

export function newestOfEach(rows) {
  const newest = new Map();
  for (const item of rows) {
    const kind = item.code || item.name;
    if (!newest.has(kind) || when(item) > when(newest.get(kind))) newest.set(kind, item);
  }
  return rows.filter((item) => newest.get(item.code || item.name) === item);
}

// The prefetch with the changes made; what is not changed stays the very same object.
export function changed(prefetch, edits) {
  if (!edits.size) return prefetch;
  return Object.fromEntries(
    Object.entries(prefetch).map(([key, value]) => [key, changedValue(key, value, edits)]),
  );
}

function changedValue(key, value, edits) {
  if (!Array.isArray(value?.entry)) return value;
  const entry = value.entry.flatMap((each, place) => {
    const resource = each?.resource;
    if (resource?.resourceType !== "Observation") return [each];
    const made = changedResource(resource, resource.id ?? `${key}-${place}`, edits);
    return made === null ? [] : [made === resource ? each : { ...each, resource: made }];
  });
  return { ...value, ...("total" in value ? { total: entry.length } : {}), entry };
}

function changedResource(resource, id, edits) {
  const own = edits.get(id);
  if (own?.removed) return null;
  const component = resource.component?.flatMap((part, index) => {
    const edit = edits.get(`${id}#${index}`);
    if (!edit) return [part];
    return edit.removed ? [] : [changedPart(part, edit)];
  });
  const touched = component?.some((part, index) => part !== resource.component[index]);
  const fewer = component && component.length !== resource.component.length;
  const made = own ? changedPart(resource, own) : resource;
  return touched || fewer ? { ...made, component } : made;
}

function changedPart(part, edit) {
  const before = part.valueQuantity ?? {};
  const [, comparator, digits] = /^\s*(<=|>=|<|>)?\s*(.*?)\s*$/.exec(edit.value);
  const { valueQuantity: _quantity, valueString: _text, ...rest } = part;
  if (!NUMBER.test(digits)) {
    return { ...rest, valueString: `${edit.value} ${edit.unit}`.trim() };
  }
  const { comparator: _comparator, value: _value, ...quantity } = before;
  if (edit.unit !== (before.unit ?? before.code ?? "")) {
    delete quantity.code;
    delete quantity.system;
    delete quantity.unit;
    if (edit.unit) quantity.unit = edit.unit;
  }
  return { ...rest, valueQuantity: { value: number(digits), ...(comparator ? { comparator } : {}), ...quantity } };
}

// Everything in the prefetch as one Bundle, for `heme-hooks try --bundle`.
export function asBundle(prefetch) {
  const resources = new Map();
  for (const value of Object.values(prefetch)) {
    const all = value?.resourceType === "Bundle" ? entriesOf(value) : [value];
    for (const resource of all) {
      if (resource?.resourceType) {
        resources.set(`${resource.resourceType}/${resource.id ?? resources.size}`, resource);
      }
    }
  }
  return {
    resourceType: "Bundle",
    type: "collection",
    entry: [...resources.values()].map((resource) => ({ resource })),
  };
}
