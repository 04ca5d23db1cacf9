// JSON that keeps the digits of numbers (9.10 stays 9.10) where the browser can, and says where it
// is broken where it cannot be read.

const EXACT = typeof JSON.rawJSON === "function";

function keepDigits(key, value, context) {
  if (typeof value !== "number" || !context?.source || String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}

export class BrokenJson extends Error {}

export function parse(text) {
  try {
    return EXACT ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch (error) {
    throw new BrokenJson(`This is not JSON: ${place(String(error.message), text)}`);
  }
}

function place(message, text) {
  const told = message.replace(/^JSON\.parse: /, "").replace(/ in JSON at position \d+.*$/s, "");
  const found = /position (\d+)/.exec(message);
  if (!found) return `${told}.`;
  const before = text.slice(0, Number(found[1]));
  const line = before.split("\n").length;
  return `${told}, line ${line}, column ${before.length - before.lastIndexOf("\n")}.`;
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
