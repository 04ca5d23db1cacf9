// The cards as an EHR would draw them.

import { h, fill, note } from "./dom.js";
import { accepted, overridden } from "./feedback.js";
import { pretty } from "./json.js";
import { drawn } from "./markdown.js";

const ORDER = ["critical", "warning", "info"];

export function drawCards(node, response, service) {
  const cards = Array.isArray(response?.cards) ? response.cards : [];
  const explanation = response?.extension?.["heme-hooks"];
  if (!cards.length) {
    fill(node, h("div", { class: "empty" }, h("p", {}, h("strong", {}, "No card.")),
      h("p", {}, explanation?.sentence ?? "The service has nothing to say about this chart.")));
    return;
  }
  const sorted = [...cards].sort((one, other) => place(one) - place(other));
  fill(node, sorted.map((card, index) => drawCard(card, index === 0, service)));
}

function place(card) {
  const found = ORDER.indexOf(card.indicator);
  return found < 0 ? ORDER.length : found;
}

function drawCard(card, open, service) {
  const indicator = ORDER.includes(card.indicator) ? card.indicator : "plain";
  const said = h("p", { class: "said", role: "status" });
  const body = h("div", { class: "card-body" });
  const article = h("article", { class: `card ${indicator}` },
    h("div", { class: "card-head" },
      h("span", { class: "indicator" }, indicator),
      h("h3", {}, card.summary ?? "")),
    body);
  const answer = { service, card, said, article, body };
  fill(body,
    card.detail && h("details", { open }, h("summary", {}, "Detail"),
      h("div", { class: "detail", tabindex: 0, role: "region", "aria-label": "Detail of the card" }, drawn(card.detail))),
    suggestions(answer), links(card), override(answer), said, source(card.source));
  return article;
}

function source(given) {
  if (!given) return null;
  const topic = given.topic?.code;
  return h("p", { class: "source" }, "Source: ", given.url ? outside(given.url, given.label) : given.label,
    topic && h("span", {}, " · ", outside(`/knowledge#${topic}`, topic)));
}

function outside(url, label) {
  return /^(https?:|\/)/i.test(url)
    ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label)
    : h("span", {}, label);
}

function suggestions(answer) {
  const all = answer.card.suggestions ?? [];
  if (!all.length) return null;
  const single = answer.card.selectionBehavior === "at-most-one";
  const list = h("ul", { class: "suggestions" });
  fill(list, all.map((suggestion) => drawSuggestion(answer, suggestion, list, single)));
  const how = single ? "choose at most one" : "choose any";
  return h("div", { class: "block" }, h("h4", {}, `Suggestions (${how})`), list);
}

function drawSuggestion(answer, suggestion, list, single) {
  const button = h("button", { type: "button", onclick: accept }, "Accept");
  button.setAttribute("aria-label", `Accept: ${suggestion.label}`);
  const actions = (suggestion.actions ?? []).map((action) => h("details", {},
    h("summary", {}, `${action.type} ${action.resource?.resourceType ?? action.resourceId ?? ""}`),
    h("p", {}, action.description ?? ""),
    action.resource && h("pre", { tabindex: 0, "aria-label": "Resource" }, pretty(action.resource))));
  async function accept() {
    const buttons = single ? [...list.querySelectorAll("button")] : [button];
    buttons.forEach((each) => { each.disabled = true; });
    const { kept, sentence } = await accepted(answer.service, answer.card, suggestion);
    if (kept) fill(button, "Accepted");
    else buttons.forEach((each) => { each.disabled = false; });
    fill(answer.said, sentence);
  }
  return h("li", {}, button, h("div", {},
    h("span", {}, suggestion.label, suggestion.isRecommended && h("span", { class: "badge" }, "recommended")),
    actions.length > 0 && h("div", { class: "actions" }, actions)));
}

function links(card) {
  const all = card.links ?? [];
  if (!all.length) return null;
  return h("div", { class: "block" }, h("h4", {}, "Links"), h("ul", {}, all.map((link) => h("li", {},
    link.type === "smart"
      ? h("span", {}, `${link.label} (SMART app: needs an EHR that launches it)`)
      : outside(link.url, link.label)))));
}

function override(answer) {
  const reasons = answer.card.overrideReasons ?? [];
  const choice = h("select", {}, h("option", { value: "" }, "no reason"),
    reasons.map((reason, index) => h("option", { value: index }, reason.display)));
  const comment = h("input", { maxlength: 1000, autocomplete: "off" });
  const form = h("form", { class: "override", onsubmit: dismiss },
    h("label", {}, "Override with reason", choice),
    h("label", {}, "Comment", comment),
    h("button", {}, "Dismiss this card"));
  async function dismiss(event) {
    event.preventDefault();
    const reason = choice.value === "" ? null : reasons[Number(choice.value)];
    const { kept, sentence } = await overridden(answer.service, answer.card, reason, comment.value.trim());
    if (!kept) {
      fill(answer.said, sentence);
      return;
    }
    answer.article.classList.add("dismissed");
    const told = h("p", { class: "said", tabindex: -1 }, `Dismissed${reason ? `: ${reason.display}` : ""}. ${sentence}`);
    fill(answer.body, told);
    told.focus();
  }
  return h("details", { class: "override-box" }, h("summary", {}, "Override"), form);
}

export function drawFailure(node, failure) {
  const issues = failure.issues.filter((issue) => issue.text);
  fill(node, h("div", { class: "failure", role: "alert" },
    h("h3", {}, failure.title),
    issues.length > 0 && h("ul", {}, issues.map((issue) => h("li", {}, issue.text,
      issue.where && h("code", {}, ` ${issue.where}`)))),
    failure.hint && note(failure.hint)));
}
