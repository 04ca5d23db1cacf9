// JSON that keeps the digits of numbers (9.10 stays 9.10) where the browser can, and says where it
// is broken where it cannot be read.

import { brokenAt } from "./json-place.js";

const EXACT = typeof JSON.rawJSON === "function";

function keepDigits(key, value, context) {
  if (typeof value !== "number" || !context?.source || String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}

export class BrokenJson extends Error {}

export function parse(text) {
  try {
    return EXACT ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    throw new BrokenJson(`This is not JSON: ${place(text)}.`);
  }
}

function place(text) {
  const at = brokenAt(text);
  const before = text.slice(0, at).split("\n");
  const mark = at < text.length ? `${JSON.stringify(text[at])} does not fit` : "it ends too early";
  return `${mark}, line ${before.length}, column ${before.at(-1).length + 1}`;
}

export function number(text) {
  return EXACT ? JSON.rawJSON(text) : Number(text);
}

export function isNumber(value) {
  return typeof value === "number" || (EXACT && JSON.isRawJSON(value));
}

export function shown(value) {
  if (value === undefined || value === null) return "";
  return isNumber(value) && typeof value === "object" ? value.rawJSON : String(value);
}

export function pretty(value) {
  return JSON.stringify(value, null, 2);
}
