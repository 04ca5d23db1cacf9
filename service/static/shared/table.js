// A table that scrolls by itself on a narrow screen.

import { h } from "./dom.js";

export function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": heads.join(", ") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
}

export function section(title, content) {
  return content ? h("section", {}, h("h3", {}, title), content) : null;
}

export function list(items, words) {
  return items?.length ? h("ul", {}, items.map((item) => h("li", {}, words(item)))) : null;
}

export function pairs(entries) {
  return h("dl", {}, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}
