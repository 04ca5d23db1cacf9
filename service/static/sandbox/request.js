// The hook request for what is chosen on the page.

const USER = "Practitioner/heme-hooks-sandbox";
const EXPLAIN = { "heme-hooks": { explain: true } };

export function keysSent(state, chart, rows) {
  const chosen = new Set(chosenKeys(state, chart));
  // A value that was changed reaches the service only if its key is sent.
  for (const row of rows) {
    if (state.edits.has(row.ref)) row.keys.forEach((key) => chosen.add(key));
  }
  return Object.keys(chart.prefetch).filter((key) => chosen.has(key));
}

function chosenKeys(state, chart) {
  if (Array.isArray(state.keys)) return state.keys;
  if (state.keys === "none") return [];
  return state.keys === "core" ? chart.coreKeys : Object.keys(chart.prefetch);
}

export function hookRequest(state, chart, prefetch, keys) {
  const given = chart.request ?? {};
  const request = {
    ...given,
    hook: state.hook,
    hookInstance: uuid(),
    context: context(state, chart, given.context ?? {}),
  };
  const server = state.source === "server" ? state.server : given.fhirServer;
  if (server) request.fhirServer = server;
  if (server && state.token) {
    request.fhirAuthorization = {
      access_token: state.token, token_type: "Bearer", expires_in: 300,
      scope: "patient/*.read", subject: "heme-hooks-sandbox",
    };
  }
  delete request.prefetch;
  if (keys.length) request.prefetch = Object.fromEntries(keys.map((key) => [key, prefetch[key]]));
  request.extension = { ...given.extension, ...EXPLAIN };
  return request;
}

function context(state, chart, given) {
  const made = { userId: USER, ...given, patientId: chart.patientId };
  delete made.draftOrders;
  delete made.selections;
  if (state.hook === "patient-view") return made;
  const drafts = draftsOf(state, chart);
  made.draftOrders = drafts ?? { resourceType: "Bundle", type: "collection" };
  if (state.hook === "order-select") {
    const own = state.draft === "own" && Array.isArray(given.selections);
    made.selections = own ? given.selections : references(made.draftOrders);
  }
  return made;
}

export function draftsOf(state, chart) {
  if (state.draft === "own") return chart.draftOrders ?? null;
  const template = chart.templates?.[state.draft];
  const resource = template && { ...template, subject: { reference: `Patient/${chart.patientId}` } };
  return resource ? { resourceType: "Bundle", type: "collection", entry: [{ resource }] } : null;
}

function references(bundle) {
  return (bundle.entry ?? [])
    .map((entry) => entry?.resource)
    .filter((resource) => resource?.id)
    .map((resource) => `${resource.resourceType}/${resource.id}`);
}

// What may be shown, copied and saved: without the access token of a request that was dropped.
export function withoutToken(request) {
  if (!request.fhirAuthorization) return request;
  return { ...request, fhirAuthorization: { ...request.fhirAuthorization, access_token: "…" } };
}

// crypto.randomUUID is there only on https and on this machine itself.
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
