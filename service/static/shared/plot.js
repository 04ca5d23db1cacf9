// Small plots over one time axis, each with the limits that the interpreter used, and what was given
// marked on the axis. Plain SVG: a handful of points needs no library, follows the page's colors
// and can be read aloud.

import { h, s, fill, note } from "./dom.js";
import { list, table } from "./table.js";

const WIDTH = 280;
const HEIGHT = 150;
const LEFT = 38;
const RIGHT = 14;
const TOP = 14;
const BOTTOM = 26;
const DAY = 86400000;
const COURSE = 731 * DAY;
const FIRST = new Set(["HGB", "ANC", "WBC", "PLT", "B12"]);

// `fold`: red cell size and iron stand behind a click.
export function drawHistory(node, explanation, { fold = false } = {}) {
  const history = explanation?.history ?? [];
  if (!history.length) {
    fill(node, note("None of the blood counts, vitamin B12 and iron studies could be read."));
    return;
  }
  const series = history.map(parsed);
  const times = series.flatMap((each) => each.points.map((point) => point.time));
  const earliest = Math.max(...times) - COURSE;
  const events = (explanation.events ?? []).map(given).filter((event) => event.end >= earliest);
  const span = spanOf([...times, ...events.flatMap((event) => [Math.max(event.begin, earliest), event.end])]);
  const drawn = (each) => plot(each, span, events);
  const first = fold ? series.filter(({ analyte }) => FIRST.has(analyte)) : series;
  const rest = series.filter((each) => !first.includes(each));
  fill(node,
    h("div", { class: "plots" }, first.map(drawn)),
    rest.length > 0 && h("details", {}, h("summary", {}, "Red cell size and iron"), h("div", { class: "plots" }, rest.map(drawn))),
    note("Filled marks lie outside the limits; dashed lines are the limits used, dotted ones the severe limits."),
    events.length > 0 && h("div", { class: "given" }, note("Marked on the time axis (▲ transfusion, ▬ medicine):"),
      list(events, (event) => `${event.kind === "transfusion" ? "▲" : "▬"} ${event.name}, ${event.shown}`)),
    h("details", {}, h("summary", {}, "The same as a table"), asTable(history)));
}

function given(event) {
  const begin = Date.parse(event.from);
  return { ...event, begin, end: event.to ? Date.parse(event.to) : begin };
}

function parsed(given) {
  const points = given.points.map((point) => ({
    ...point,
    time: Date.parse(point.taken),
    number: Number(point.value),
    limits: (point.limits ?? []).map((limit) => ({ ...limit, number: Number(limit.value) })),
  }));
  return { ...given, points };
}

function spanOf(times) {
  const first = Math.min(...times);
  const last = Math.max(...times);
  const room = Math.max((last - first) * 0.06, DAY);
  return { from: first - room, to: last + room, dates: last - first < DAY ? [last] : [first, last] };
}

function isOutside(point) {
  return point.limits.some((limit) => (limit.kind === "low" ? point.number < limit.number : point.number > limit.number));
}

function plot(series, { from, to, dates }, events) {
  const severe = (series.severe ?? []).map((limit) => ({ ...limit, number: Number(limit.value) }));
  const all = series.points.flatMap((point) => [point.number, ...point.limits.map((limit) => limit.number)]);
  const [low, high] = [0, Math.max(...all, ...severe.map((limit) => limit.number)) * 1.12 || 1];
  const x = (time) => LEFT + ((time - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const title = `${series.name} in ${series.unit}`;
  const inside = (time) => x(Math.min(Math.max(time, from), to));
  return h("figure", {},
    h("figcaption", {}, h("strong", {}, series.name), ` ${series.unit}`),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${spoken(series)}` },
      axes([low, high], dates, x, y),
      events.map((event) => marked(event, inside)),
      limitLines(series, [from, to], x, y),
      severe.map((limit) => severeLine(limit, [from, to], x, y)),
      s("polyline", { class: "line", points: series.points.map((p) => `${x(p.time)},${y(p.number)}`).join(" ") }),
      series.points.map((point) => s("circle", {
        class: isOutside(point) ? "point outside" : "point",
        cx: x(point.time), cy: y(point.number), r: 4.5,
      }, s("title", {}, `${point.shown}: ${point.text}`)))));
}

// On the time axis itself: a triangle for a transfusion, a bar for the days of a medicine.
function marked(event, x) {
  const [left, right, y] = [x(event.begin), x(event.end), HEIGHT - BOTTOM];
  const title = s("title", {}, `${event.name}, ${event.shown}`);
  return event.kind === "transfusion"
    ? s("path", { class: "marked", d: `M${left - 4},${y + 5} L${left + 4},${y + 5} L${left},${y - 3} Z` }, title)
    : s("path", { class: "marked drug", d: `M${left - 4},${y} L${Math.max(right, left + 4)},${y}` }, title);
}

function spoken(series) {
  const last = series.points.at(-1);
  const limits = (last.limits ?? []).map((limit) => `${limit.kind === "low" ? "lower" : "upper"} limit ${limit.value}`);
  return `${series.points.length} results, the last ${last.text} on ${last.shown}; ${limits.join(", ")}`;
}

// Where the severity of clinical-definition 2.2 begins: a dotted line across the plot.
function severeLine(limit, [from, to], x, y) {
  return [
    s("line", { class: "severe-limit", x1: x(from), x2: x(to), y1: y(limit.number), y2: y(limit.number) }),
    s("text", { class: "severe-name", x: LEFT + 4, y: y(limit.number) - 4 }, `${limit.name} ${limit.value}`),
  ];
}

function axes([low, high], dates, x, y) {
  const values = ticks(low, high);
  return [
    values.map((value) => [
      s("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      s("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, shownNumber(value)),
    ]),
    dates.map((time, index) => s("text", {
      class: "tick", x: x(time), y: HEIGHT - 8, "text-anchor": dates.length === 1 ? "middle" : index ? "end" : "start",
    }, new Date(time).toISOString().slice(0, 10))),
  ];
}

function ticks(low, high) {
  const rough = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= rough * 0.8);
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return values;
}

function shownNumber(value) {
  return String(Number(value.toPrecision(6)));
}

// A limit may change from result to result (another laboratory): a step line for each kind.
function limitLines(series, [from, to], x, y) {
  return ["low", "high"].map((kind) => {
    const marks = series.points.flatMap((point) => point.limits
      .filter((limit) => limit.kind === kind).map((limit) => ({ time: point.time, ...limit })));
    if (!marks.length) return null;
    const path = marks.map((mark, index) => {
      const begin = index ? mark.time : from;
      const end = marks[index + 1]?.time ?? to;
      return `${index ? "L" : "M"}${x(begin)},${y(mark.number)} L${x(end)},${y(mark.number)}`;
    });
    const last = marks.at(-1);
    const whose = last.from === "laboratory" ? "lab" : "usual";
    const above = kind === "high" || y(last.number) > HEIGHT - BOTTOM - 14;
    return [
      s("path", { class: "limit", d: path.join(" ") }),
      s("text", { class: "limit-name", x: WIDTH - RIGHT, y: y(last.number) + (above ? -5 : 13), "text-anchor": "end" },
        `${whose} limit ${last.value}`),
    ];
  });
}

function asTable(history) {
  const rows = history.flatMap((series) => series.points.map((point) => [
    series.name, point.shown, point.reported ? `${point.reported} = ${point.text}` : point.text,
    (point.limits ?? []).map((limit) => `${limit.kind} ${limit.value} (${limit.from})`).join(", ")]));
  return table(["Result", "Taken", "Value", "Limits used"], rows);
}
