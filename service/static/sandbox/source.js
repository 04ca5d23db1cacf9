// Where a chart comes from: a sample, a FHIR server, or what was dropped or pasted.

import { Failure, get, post } from "./api.js";
import { BrokenJson, parse } from "./json.js";

export async function loadChart(state, signal) {
  if (state.source === "file" && state.given.kind === "request") return chartOfRequest(state.given.value);
  return parse((await exchangeFor(state, signal)).text);
}

function exchangeFor(state, signal) {
  if (state.source === "sample") return get(`/sandbox/data/samples/${encodeURIComponent(state.sample)}`, signal);
  if (state.source === "server") {
    const body = JSON.stringify({ server: state.server, patient: state.patient, token: state.token || "" });
    return post("/sandbox/data/chart", body, signal);
  }
  const { text, patient } = state.given;
  return post(`/sandbox/data/bundle${patient ? `?patient=${encodeURIComponent(patient)}` : ""}`, text, signal);
}

// Nothing to ask for: the request holds its chart.
function chartOfRequest(request) {
  const context = request.context ?? {};
  return {
    request,
    patientId: context.patientId,
    prefetch: request.prefetch ?? {},
    hook: request.hook,
    draftOrders: context.draftOrders,
    unavailable: {},
  };
}

export async function findPatients(server, text, token, signal) {
  const { value } = await post("/sandbox/data/patients", JSON.stringify({ server, text, token: token || "" }), signal);
  return value.patients;
}

// What a dropped text is. Throws BrokenJson or Failure with a sentence for the person.
export function recognised(text) {
  if (!text.trim()) throw new BrokenJson("There is nothing here yet.");
  const value = parse(text);
  if (value?.resourceType === "Bundle") return { kind: "bundle", text, patients: patientsOf(value) };
  if (typeof value?.hook === "string" && value.context && typeof value.context === "object") {
    return { kind: "request", value };
  }
  const what = value?.resourceType ? `a FHIR ${value.resourceType}` : "other JSON";
  throw new Failure(`This is ${what}, neither a Bundle nor a hook request.`, {
    hint: "A hook request has “hook” and “context”; a Bundle has “resourceType”: “Bundle”.",
  });
}

function patientsOf(bundle) {
  return (bundle.entry ?? []).map((entry) => entry?.resource)
    .filter((resource) => resource?.resourceType === "Patient" && resource.id)
    .map((resource) => resource.id);
}
