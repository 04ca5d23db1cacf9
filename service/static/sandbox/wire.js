// What went over the wire: the request, the response, and the FHIR searches with their times.

import { h, s, fill, note } from "../shared/dom.js";
import { parse, pretty } from "./json.js";
import { withoutToken } from "./request.js";

const MOST_SHOWN = 150000;

export function drawWire(node, call, actions) {
  const { request, exchange } = call;
  const searches = exchange?.value?.extension?.["heme-hooks"]?.searches;
  fill(node,
    h("p", { class: "lead" }, told(call)),
    h("section", {}, h("h3", {}, "FHIR searches"), searches?.length ? timeline(searches)
      : note(request.fhirServer ? "None was needed or none is told: what was prefetched sufficed, or the call failed." : "None: the call names no FHIR server.")),
    actions && h("section", {}, h("h3", {}, "What each suggestion would create or delete"), actions),
    h("section", {}, h("h3", {}, "Response"), block(answerOf(call), "response")),
    h("section", {}, h("h3", {}, "Request"), block(withoutToken(request), "request")));
}

// Read again from the text, so that every number is shown with its digits.
function answerOf({ exchange, failure }) {
  const text = exchange?.text ?? failure?.body ?? "";
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function told({ url, exchange, failure }) {
  const what = `POST ${url}`;
  if (exchange) return `${what} was answered ${exchange.status} in ${Math.round(exchange.took)} ms, ${shownSize(new TextEncoder().encode(exchange.text).length)}.`;
  return failure?.status ? `${what} was answered ${failure.status}.` : `${what} was not answered.`;
}

function block(value, name) {
  const text = typeof value === "string" ? value : pretty(value);
  if (!text) return note(`There is no ${name}.`);
  const cut = text.length > MOST_SHOWN;
  return [h("pre", { tabindex: 0, class: "tall", "aria-label": name }, cut ? text.slice(0, MOST_SHOWN) : text),
    cut && note("Longer than is shown here; take it away as a file.")];
}

function timeline(searches) {
  const end = Math.max(1, ...searches.map((search) => search.startedMs + (search.tookMs ?? 0)));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "FHIR searches" }, h("table", { class: "searches" },
    h("thead", {}, h("tr", {}, ["Key", "Time", "From the first search on", "Answer", "Search"].map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, searches.map((search) => h("tr", {},
      h("td", {}, search.key),
      h("td", { class: "number" }, search.tookMs === undefined ? "not done" : `${Math.round(search.tookMs)} ms`),
      h("td", {}, bar(search, end)),
      h("td", search.failure ? {} : { class: "number" }, search.failure ?? answered(search)),
      h("td", {}, h("code", { class: "query" }, short(search.query))))))));
}

function answered({ bytes = 0, pages = 0 }) {
  return pages > 1 ? `${shownSize(bytes)} on ${pages} pages` : shownSize(bytes);
}

function shownSize(bytes) {
  return bytes < 10240 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`;
}

function bar(search, end) {
  const begin = (search.startedMs / end) * 200;
  const width = Math.max(2, ((search.tookMs ?? end - search.startedMs) / end) * 200);
  return s("svg", { class: "bar", viewBox: "0 0 200 12", "aria-hidden": true, preserveAspectRatio: "none" },
    s("rect", { x: begin, y: 1, width, height: 10, rx: 2 }));
}

function short(query) {
  const codes = query.replace(/http:\/\/loinc\.org(\||%7C)/gi, "");
  return codes.length > 110 ? `${codes.slice(0, 110)}…` : codes;
}
