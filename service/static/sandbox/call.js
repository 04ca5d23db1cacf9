// One hook call, from what is chosen on the page to what came back.

import { Failure, post } from "./api.js";
import { changed } from "./chart.js";
import { hookRequest, keysSent } from "./request.js";

export async function callService(state, chart, rows, services, signal) {
  const service = services.find((each) => each.hook === state.hook);
  const prefetch = changed(chart.prefetch, state.edits);
  const keys = keysSent(state, chart, rows);
  const request = hookRequest(state, chart, prefetch, keys);
  const snapshot = { ...state, edits: new Map(state.edits) };
  const call = { state: snapshot, chart, prefetch, keys, request, service: service?.id, url: `/cds-services/${service?.id}` };
  if (!service) {
    return { ...call, failure: new Failure(`No service answers the hook “${state.hook}”.`) };
  }
  try {
    return { ...call, exchange: await post(call.url, JSON.stringify(request), signal, state.bearer) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...call, failure: error };
  }
}
