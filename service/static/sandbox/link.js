// The state of the page as a link: names and ids of what was chosen and the values that were typed
// over them, never what stands in a chart. It lives in the fragment, which no server sees.

const HOOKS = ["patient-view", "order-select", "order-sign"];
const TABS = ["why", "evidence", "wire", "export", "units"];
const MOST_EDITS = 40;
const PRESETS = ["all", "core", "none"];

export function read(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { tab: one(given.get("tab"), TABS) };
  if (given.get("server")) {
    Object.assign(state, { source: "server", server: given.get("server"), patient: given.get("patient") ?? "" });
  } else if (given.get("sample")) {
    Object.assign(state, { source: "sample", sample: given.get("sample") });
  }
  state.hook = one(given.get("hook"), HOOKS);
  if (given.has("draft")) state.draft = given.get("draft");
  if (given.has("prefetch")) {
    const named = given.get("prefetch");
    state.keys = PRESETS.includes(named) ? named : named.split(",").filter(Boolean);
  }
  state.edits = new Map(given.getAll("edit").slice(0, MOST_EDITS).map(edit).filter(Boolean));
  return state;
}

// ref~value~unit, or ref alone for a value that was excluded.
function edit(text) {
  const [ref, value, unit] = text.split("~");
  if (!ref) return null;
  return value === undefined ? [ref, { value: "", unit: "", removed: true }] : [ref, { value, unit: unit ?? "", removed: false }];
}

function one(text, allowed) {
  return allowed.includes(text) ? text : undefined;
}

export function write(state) {
  const parts = new URLSearchParams();
  if (state.source === "server") {
    parts.set("server", state.server);
    if (state.patient) parts.set("patient", state.patient);
  } else if (state.source === "sample") {
    parts.set("sample", state.sample);
  } else {
    return "";
  }
  if (state.hook) parts.set("hook", state.hook);
  if (state.hook !== "patient-view" && state.draft !== "own") parts.set("draft", state.draft);
  parts.set("prefetch", Array.isArray(state.keys) ? state.keys.join(",") : state.keys);
  if (state.tab !== "why") parts.set("tab", state.tab);
  for (const [ref, { value, unit, removed }] of state.edits) {
    parts.append("edit", removed ? ref : [ref, value, unit].join("~"));
  }
  return `#${parts}`;
}
