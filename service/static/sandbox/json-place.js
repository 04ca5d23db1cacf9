// Where a text stops being JSON (RFC 8259). The browsers' own messages do not always say.

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const STRING_START = '"';

// Returns the index of the first character that does not fit, or -1 for JSON.
export function brokenAt(text) {
  const stack = [];
  let at = space(text, 0);
  let wanted = "value";
  while (wanted) {
    const next = step(text, at, wanted, stack);
    if (next === null) return at;
    [at, wanted] = [space(text, next[0]), next[1]];
  }
  return at === text.length ? -1 : at;
}

function space(text, at) {
  SPACE.lastIndex = at;
  SPACE.exec(text);
  return SPACE.lastIndex;
}

// One token: returns where it ends and what must follow, or null where none fits.
function step(text, at, wanted, stack) {
  const mark = text[at];
  const inside = stack.at(-1);
  if (wanted === "after") {
    if (mark === ",") return [at + 1, inside === "{" ? "key" : "value"];
    return mark === { "{": "}", "[": "]" }[inside] ? close(at, stack) : null;
  }
  if (wanted === "colon") return mark === ":" ? [at + 1, "value"] : null;
  if (wanted === "first key" && mark === "}") return close(at, stack);
  if (wanted === "first value" && mark === "]") return close(at, stack);
  if (wanted.endsWith("key")) return mark === STRING_START ? scalar(text, at, "colon") : null;
  if (mark === "{" || mark === "[") {
    stack.push(mark);
    return [at + 1, mark === "{" ? "first key" : "first value"];
  }
  return scalar(text, at, stack.length ? "after" : "");
}

function close(at, stack) {
  stack.pop();
  return [at + 1, stack.length ? "after" : ""];
}

function scalar(text, at, following) {
  SCALAR.lastIndex = at;
  return SCALAR.test(text) ? [SCALAR.lastIndex, following] : null;
}
