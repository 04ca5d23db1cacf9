// The cards as an EHR draws them: one column of 360 px, nothing folded, nothing to scroll in.

import { h, fill, note } from "../shared/dom.js";
import { accepted, overridden } from "./feedback.js";
import { pretty } from "./json.js";
import { drawn } from "../shared/markdown.js";

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
  fill(node, sorted.map((card) => drawCard(card, service)));
}

// Words of detail and height, as a person who judges the card wants to know them.
export function sizeOf(node, response) {
  const cards = response?.cards ?? [];
  if (!cards.length) return "";
  const words = cards.map((card) => (card.detail ?? "").match(/\S*[\p{L}\p{N}]\S*/gu)?.length ?? 0);
  const height = Math.round([...node.querySelectorAll(".card")].reduce((sum, card) => sum + card.offsetHeight, 0));
  return `${words.join(" and ")} words of detail, ${height} pixels high.`;
}

function place(card) {
  const found = ORDER.indexOf(card.indicator);
  return found < 0 ? ORDER.length : found;
}

function drawCard(card, service) {
  const indicator = ORDER.includes(card.indicator) ? card.indicator : "plain";
  const said = h("p", { class: "said", role: "status" });
  const body = h("div", { class: "card-body" });
  const article = h("article", { class: `card ${indicator}` },
    h("span", { class: "unseen" }, `${indicator}: `),
    h("h3", {}, card.summary ?? ""),
    body);
  const answer = { service, card, said, article, body };
  fill(body,
    card.detail && h("div", { class: "detail" }, drawn(card.detail)),
    suggestions(answer), links(card), override(answer), said);
  return article;
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
  return list;
}

function drawSuggestion(answer, suggestion, list, single) {
  const button = h("button", {
    type: "button", class: suggestion.isRecommended ? "recommended" : "quiet", onclick: accept,
    title: suggestion.isRecommended ? "Recommended" : null,
  }, suggestion.label);
  async function accept() {
    const buttons = single ? [...list.querySelectorAll("button")] : [button];
    buttons.forEach((each) => { each.disabled = true; });
    const { kept, sentence } = await accepted(answer.service, answer.card, suggestion);
    if (kept) fill(button, "✓ ", suggestion.label);
    else buttons.forEach((each) => { each.disabled = false; });
    fill(answer.said, sentence);
  }
  return h("li", {}, button);
}

function links(card) {
  const all = [...(card.links ?? [])];
  const source = card.source;
  const items = all.map((link) => (link.type === "smart"
    ? h("span", {}, `${link.label} (an EHR opens it)`)
    : outside(link.url, link.label)));
  if (source?.url && !all.length) items.push(outside(source.url, source.label));
  if (!items.length) return null;
  return h("p", { class: "card-links" }, items.flatMap((item, index) => (index ? [" · ", item] : [item])));
}

function override(answer) {
  const reasons = answer.card.overrideReasons ?? [];
  const choice = h("select", {}, h("option", { value: "" }, "no reason"),
    reasons.map((reason, index) => h("option", { value: index }, reason.display)));
  const comment = h("input", { maxlength: 1000, autocomplete: "off" });
  const form = h("form", { class: "override", onsubmit: dismiss },
    h("label", {}, "Reason", choice),
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
  return h("details", { class: "override-box" }, h("summary", {}, "Dismiss"), form);
}

// What a suggestion would change in the EHR, resource by resource: for the developer, not the card.
export function drawActions(response) {
  const all = (response?.cards ?? []).flatMap((card) => card.suggestions ?? []);
  if (!all.length) return null;
  return h("ul", { class: "plain" }, all.map((suggestion) => h("li", {}, h("details", {},
    h("summary", {}, suggestion.label),
    (suggestion.actions ?? []).map((action) => h("details", {},
      h("summary", {}, `${action.type}: ${action.description ?? action.resourceId ?? ""}`),
      action.resource && h("pre", { tabindex: 0, "aria-label": "Resource" }, pretty(action.resource))))))));
}

export function drawFailure(node, failure) {
  const issues = failure.issues.filter((issue) => issue.text);
  fill(node, h("div", { class: "failure", role: "alert" },
    h("h3", {}, failure.title),
    issues.length > 0 && h("ul", {}, issues.map((issue) => h("li", {}, issue.text,
      issue.where && h("span", { class: "note" }, ` (${issue.where})`)))),
    failure.hint && note(failure.hint)));
}
