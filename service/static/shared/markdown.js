// A card's detail: GitHub flavoured Markdown from outside, drawn without trusting it.

import { marked } from "../vendor/marked/marked.esm.js";
import DOMPurify from "../vendor/dompurify/purify.es.mjs";

const TAGS = [
  "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "del", "s",
  "blockquote", "code", "pre", "a", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
];

const CLEAN = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["href", "title", "align", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^https?:/i,
  RETURN_DOM_FRAGMENT: true,
};

export function drawn(text) {
  const fragment = DOMPurify.sanitize(marked.parse(text, { gfm: true, async: false }), CLEAN);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  lower(fragment);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = document.createElement("div");
    frame.className = "scroll";
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", "Table of the card");
    table.replaceWith(frame);
    frame.append(table);
  }
  return fragment;
}

// Headings of the detail stand below the card's own, which is an h3.
function lower(fragment) {
  for (const heading of fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const lowered = document.createElement("h4");
    lowered.append(...heading.childNodes);
    heading.replaceWith(lowered);
  }
}
