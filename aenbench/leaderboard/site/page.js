"use strict";
/* Draws the board that lies in #data. Text enters the page as text nodes only, never as HTML. */

const board = JSON.parse(document.getElementById("data").textContent);
board.entries = unpacked(board);
const byId = new Map(board.entries.map((entry) => [entry.id, entry]));
const $ = (id) => document.getElementById(id);

/* ---- making elements ---- */

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}
const h = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const s = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

const entryHash = (id) => "#/" + id.split("/").map(encodeURIComponent).join("/");
const entryLink = (entry) => h("a", { href: entryHash(entry.id) }, entry.name);

function outside(address, text) {
  if (!/^https:\/\//.test(address)) return h("span", {}, text);
  return h("a", { href: address, rel: "noopener noreferrer nofollow" }, text);
}

/* ---- numbers ---- */

const percent = (share, digits = 2) => (100 * share).toFixed(digits);
const whole = (number) => Math.round(number).toLocaleString("en-US");
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const plural = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;
const brackets = (low, high) => `[${percent(low)}, ${percent(high)}]`;
const short = (number) =>
  number >= 1e6 ? `${+(number / 1e6).toPrecision(3)}M` : number >= 1e3 ? `${+(number / 1e3).toPrecision(3)}k` : `${+number.toPrecision(3)}`;

function span(numbers) {
  const low = Math.min(...numbers), high = Math.max(...numbers);
  return low === high ? whole(low) : `${whole(low)}–${whole(high)}`;
}
function seconds(entry, part) {
  const known = entry.seeds.map((seed) => seed[part]);
  return known.includes(null) ? null : mean(known);
}
function allSeconds(entry) {
  const parts = [seconds(entry, "searchSeconds"), seconds(entry, "trainingSeconds")];
  return parts.includes(null) ? null : parts[0] + parts[1];
}
const parameters = (entry) => mean(entry.seeds.map((seed) => seed.parameters));
const networks = (entry) => mean(entry.seeds.map((seed) => seed.networks));

/* What marks a number that only the authors know; without it, it was recomputed. */
const STATED = "†";
const stated = () => h("span", { class: "stated", title: "as stated by the authors" }, ` ${STATED}`);
const counted = (entry) => (entry.counted ? null : stated());

/* ---- charts: each is drawn for the width that it has, and again when that changes ---- */

function charts() {
  const draws = new Map();
  const observer = new ResizeObserver((sizes) => {
    for (const { target, contentRect } of sizes) {
      const width = Math.round(contentRect.width), known = draws.get(target);
      if (width > 0 && known && known.width !== width) {
        known.width = width;
        target.replaceChildren(known.draw(width));
      }
    }
  });
  return {
    place(draw, box = h("div")) {
      draws.set(box, { draw, width: 0 });
      observer.unobserve(box);
      observer.observe(box);
      return box;
    },
    end: () => observer.disconnect(),
  };
}

function canvas(width, height, label, ...children) {
  const named = label ? { role: "img", "aria-label": label } : {};
  return s("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height, ...named }, ...children);
}
const text = (x, y, content, anchor = "start", kind = null) => s("text", { x, y, "text-anchor": anchor, class: kind }, content);
const line = (x1, y1, x2, y2, kind) => s("line", { x1, y1, x2, y2, class: kind });
const path = (points, kind) => s("path", { d: points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""), class: kind });

function ticks(low, high, about) {
  const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9; at += 1) found.push(+(at * step).toPrecision(12));
  return found;
}
function logTicks(low, high) {
  if (high / low < 4) return ticks(low, high, 4);
  const found = [], first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const factors = last - first > 2 ? [1] : last - first > 1 ? [1, 3] : [1, 2, 5];
  for (let power = first; power <= last; power += 1) {
    for (const factor of factors) found.push(factor * 10 ** power);
  }
  return found.filter((at) => at >= low && at <= high);
}
function shareRange(lows, highs) {
  const low = Math.min(...lows), high = Math.max(...highs), room = Math.max(0.08 * (high - low), 0.005);
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

/** Whose accuracy no entry with as little of x reaches: from the least x on, each better than all before. */
function front(points) {
  let best = -1;
  return [...points].sort((a, b) => a.x - b.x || b.y - a.y).filter((point) => point.y > best && ((best = point.y), true));
}

function scatter(entries, x, axis, width) {
  const height = 300, left = 44, right = 18, top = 14, bottom = 46;
  const points = entries.map((entry) => ({ entry, x: x(entry), y: entry.accuracy[0] })).filter((point) => point.x !== null);
  const missing = entries.length - points.length;
  if (!points.length) return h("p", { class: "empty" }, "No entry says it.");
  for (const point of points) point.x = Math.max(point.x, 1);
  const [low, high] = shareRange(points.map((p) => p.entry.accuracy[1]), points.map((p) => p.entry.accuracy[2]));
  const xs = points.map((point) => point.x), ratio = Math.max(...xs) / Math.min(...xs), room = ratio === 1 ? 1.6 : ratio ** 0.12;
  const from = Math.min(...xs) / room, to = Math.max(...xs) * room;
  const atX = (value) => left + ((width - left - right) * Math.log(value / from)) / Math.log(to / from);
  const atY = (share) => height - bottom - ((height - top - bottom) * (share - low)) / (high - low);
  const best = front(points), isBest = new Set(best.map((point) => point.entry.id));
  const grid = [
    ticks(100 * low, 100 * high, 5).map((tick) => [
      line(left, atY(tick / 100), width - right, atY(tick / 100), "grid"),
      text(left - 8, atY(tick / 100) + 4, `${tick}`, "end"),
    ]),
    logTicks(from, to).map((tick) => [
      line(atX(tick), height - bottom, atX(tick), height - bottom + 5, "axis"),
      text(atX(tick), height - bottom + 19, short(tick), "middle"),
    ]),
    line(left, height - bottom, width - right, height - bottom, "axis"),
    text((left + width - right) / 2, height - 6, axis + (missing ? ` (${missing} unknown)` : ""), "middle"),
  ];
  const placed = points.map((point) => ({ x: atX(point.x) - 7, y: atY(point.y) - 7, w: 14, h: 14 }));
  const named = [...points].sort((a, b) => isBest.has(b.entry.id) - isBest.has(a.entry.id) || b.y - a.y);
  const marks = named.map((point) => {
    const { entry } = point, px = atX(point.x), py = atY(point.y), good = isBest.has(entry.id);
    const spot = freeSpot(entry.name, px, py, width, height - bottom, placed);
    const label = `${entry.name}: ${percent(point.y)} %, ${short(point.x)} ${axis}${good ? ", on the Pareto front" : ""}`;
    const mark = good
      ? s("path", { class: "mark best", d: `M${px} ${py - 6.5}L${px + 6.5} ${py}L${px} ${py + 6.5}L${px - 6.5} ${py}Z` })
      : s("circle", { class: "mark", cx: px, cy: py, r: 4.75 });
    return {
      px,
      node: s("a", { href: entryHash(entry.id), "aria-label": label },
        line(px, atY(entry.accuracy[1]), px, atY(entry.accuracy[2]), good ? "front-interval" : "interval"),
        s("circle", { cx: px, cy: py, r: 13, fill: "transparent" }), mark,
        spot && text(spot.x, spot.y, spot.name, spot.anchor, good ? "strong" : null), s("title", {}, label)),
    };
  });
  marks.sort((a, b) => a.px - b.px); // so that the Tab key goes from left to right
  return canvas(width, height, null, grid, path(best.map((p) => [atX(p.x), atY(p.y)]), "front"), marks.map((mark) => mark.node));
}

/** Where a point's name covers nothing; nowhere if there is no such place. */
function freeSpot(full, px, py, width, bottom, placed) {
  const name = full.length > 22 ? full.slice(0, 21) + "…" : full, w = 6.6 * name.length + 4;
  const spots = [
    { x: px + 11, y: py + 4, anchor: "start", left: px + 9 },
    { x: px - 11, y: py + 4, anchor: "end", left: px - 11 - w },
    { x: px, y: py - 12, anchor: "middle", left: px - w / 2 },
    { x: px, y: py + 21, anchor: "middle", left: px - w / 2 },
    { x: px + 9, y: py - 9, anchor: "start", left: px + 7 },
    { x: px + 9, y: py + 17, anchor: "start", left: px + 7 },
    { x: px - 9, y: py - 9, anchor: "end", left: px - 9 - w },
    { x: px - 9, y: py + 17, anchor: "end", left: px - 9 - w },
  ];
  const meets = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  for (const spot of spots) {
    const box = { x: spot.left, y: spot.y - 11, w, h: 14 };
    if (box.x < 40 || box.x + w > width + 6 || box.y < 0 || box.y + 14 > bottom || placed.some((other) => meets(box, other))) continue;
    placed.push(box);
    return { ...spot, name };
  }
  return null;
}

/** An interval on a scale; what it says is in the text beside it. */
function bar(share, low, high, [from, to], best = false) {
  const at = (value) => 4 + (112 * (value - from)) / (to - from || 1);
  return s("svg", { class: "bar", viewBox: "0 0 120 16", "aria-hidden": "true", focusable: "false" },
    line(0, 8, 120, 8, "grid"), line(at(low), 8, at(high), 8, best ? "interval best" : "interval"),
    s("circle", { class: best ? "mark best" : "mark", cx: at(share), cy: 8, r: 3.75 }));
}
function filledBar(share, low, high) {
  return s("svg", { class: "inline-bar", viewBox: "0 0 200 14", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    s("rect", { class: "track", x: 0, y: 4, width: 200, height: 6 }),
    s("rect", { class: "fill", x: 0, y: 4, width: 200 * share, height: 6 }),
    low === undefined ? null : line(200 * low, 7, 200 * high, 7, "axis"));
}

/** What the center and the rim of a polar chart stand for: not less than nothing, and a bit less than the least. */
function polarRange(parts) {
  const least = Math.min(...parts.map((part) => part[3])), most = Math.max(...parts.map((part) => part[4]));
  return [Math.max(0, Math.floor(10 * least - 1) / 10), Math.min(1, Math.ceil(20 * most) / 20)];
}

/** Accuracy around a circle: counterclockwise from the top, as the images were turned. */
function polar(parts, overall, label, width) {
  const size = Math.min(width, 380), height = size, cx = width / 2, cy = height / 2, radius = size / 2 - 42;
  const [low, high] = polarRange(parts);
  const out = (share) => (radius * (share - low)) / (high - low);
  const degrees = parts.map((part, i) => (/^\d+°$/.test(part[0]) ? parseInt(part[0], 10) : (360 * i) / parts.length));
  const at = (degree, r) => [cx - r * Math.sin((degree * Math.PI) / 180), cy - r * Math.cos((degree * Math.PI) / 180)];
  const rings = ticks(100 * low, 100 * high, 4).filter((tick) => tick > 100 * low);
  const shape = parts.map((part, i) => at(degrees[i], out(part[2])));
  const named = parts.length <= 16;
  const gap = 360 / parts.length / 2;
  return canvas(width, height, label,
    rings.map((tick) => s("circle", { class: "grid", cx, cy, r: out(tick / 100) })),
    degrees.map((degree) => line(cx, cy, ...at(degree, radius), "grid")),
    s("circle", { class: "overall", cx, cy, r: out(overall) }),
    s("path", { class: "area", d: path(shape, "").getAttribute("d") + "Z" }),
    parts.map((part, i) => [
      line(...at(degrees[i], out(part[3])), ...at(degrees[i], out(part[4])), "interval"),
      s("circle", { class: "mark best", cx: shape[i][0], cy: shape[i][1], r: 3.5 }),
    ]),
    rings.map((tick) => {
      const [x, y] = at(-gap, out(tick / 100));
      return text(x, y + 4, `${tick} %`, "middle");
    }),
    named && parts.map((part, i) => {
      const [x, y] = at(degrees[i], radius + 16);
      return text(x, y + 4, part[0], Math.abs(x - cx) < 12 ? "middle" : x < cx ? "end" : "start");
    }) || null);
}

function progress(searches, unit, width) {
  const height = 260, left = 44, right = 14, top = 10, bottom = 44;
  const all = searches.flatMap(([, points]) => points);
  const [low, high] = shareRange(all.map((p) => p[1]), all.map((p) => p[2])), last = Math.max(...all.map((p) => p[0]), 2);
  const atX = (network) => left + ((width - left - right) * (network - 1)) / (last - 1);
  const atY = (share) => height - bottom - ((height - top - bottom) * (share - low)) / (high - low);
  const told = searches.map(([seed, points]) => `seed ${seed} reaches ${percent(points.at(-1)[2])} % with ${points.at(-1)[0]} ${unit}`);
  return canvas(width, height, `Best validation accuracy so far: ${told.slice(0, 10).join("; ")}.`,
    ticks(100 * low, 100 * high, 5).map((tick) => [
      line(left, atY(tick / 100), width - right, atY(tick / 100), "grid"),
      text(left - 8, atY(tick / 100) + 4, `${tick}`, "end"),
    ]),
    ticks(1, last, 6).map((tick) => text(atX(tick), height - bottom + 19, whole(tick), "middle")),
    line(left, height - bottom, width - right, height - bottom, "axis"),
    text((left + width - right) / 2, height - 5, unit, "middle"),
    searches.map(([, points], i) => points.map((p) => s("circle", { class: `dot s${i % 5}`, cx: atX(p[0]), cy: atY(p[1]), r: 2.5 }))),
    searches.map(([, points], i) => path(
      points.flatMap((p, n) => (n ? [[atX(p[0]), atY(points[n - 1][2])], [atX(p[0]), atY(p[2])]] : [[atX(p[0]), atY(p[2])]])),
      `series s${i % 5} d${i % 5}`)));
}

function reliability(bins, width) {
  const height = Math.min(width, 300), left = 44, right = 14, top = 10, bottom = 44;
  const atX = (share) => left + (width - left - right) * share, atY = (share) => height - bottom - (height - top - bottom) * share;
  return canvas(width, height, `Accuracy by confidence: ${bins.map((b) => `${percent(b[1], 0)} % sure, ${percent(b[2], 0)} % right`).join("; ")}.`,
    [0, 0.25, 0.5, 0.75, 1].map((tick) => [
      line(left, atY(tick), width - right, atY(tick), "grid"), text(left - 8, atY(tick) + 4, percent(tick, 0), "end"),
      text(atX(tick), height - bottom + 19, percent(tick, 0), "middle"),
    ]),
    line(atX(0), atY(0), atX(1), atY(1), "overall"),
    text((left + width - right) / 2, height - 5, "confidence, %", "middle"),
    path(bins.map((bin) => [atX(bin[1]), atY(bin[2])]), "series s0"),
    bins.map((bin) => s("circle", { class: "mark best", cx: atX(bin[1]), cy: atY(bin[2]), r: 3.5 })));
}

/* ---- tables ---- */

const scroll = (label, table) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);

function simpleTable(label, heads, rows) {
  return scroll(label, h("table", {}, h("caption", { class: "hidden-text" }, label),
    h("thead", {}, h("tr", {}, heads.map(([name, kind]) => (name ? h("th", { scope: "col", class: kind }, name) : h("td", { class: kind }))))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) => h(i ? "td" : "th", { scope: i ? null : "row", class: heads[i][1] }, cell)))))));
}
function partsTable(label, head, parts, measure = "Accuracy, %") {
  return simpleTable(label, [[head, null], ["Images", "number"], [measure, "number"], ["", "bar-column"]],
    parts.map(([name, images, share, low, high]) => [name, whole(images), h("span", {}, percent(share, 1), h("span", { class: "quiet" }, ` [${percent(low, 1)}, ${percent(high, 1)}]`)), filledBar(share, low, high)]));
}

/* ---- the list: a section for each task, made once ---- */

const COLUMNS = [
  { key: "rank", name: "Rank", by: (entry) => entry.rank, first: 1 },
  { key: "name", name: "Entry", by: (entry) => entry.name, first: 1 },
  { key: "accuracy", name: "Accuracy, %", by: (entry) => entry.accuracy[0], first: -1 },
  { key: "seeds", name: "Seeds", by: (entry) => entry.seeds.length, first: -1, kind: "number" },
  { key: "parameters", name: "Parameters", by: parameters, first: 1, kind: "number" },
  { key: "networks", name: "Networks", by: networks, first: 1, kind: "number", isStated: true },
  { key: "seconds", name: "Seconds", by: allSeconds, first: 1, kind: "number", isStated: true },
];
const FILTERS = ["dataset", "configuration", "protocol", "recipe", "family"];
const COSTS = {
  "": [`networks trained ${STATED}, the last one included`, (entry) => networks(entry) + 1],
  seconds: [`seconds of search and training ${STATED}`, allSeconds],
};
const state = { dataset: "", configuration: "", protocol: "", recipe: "", family: "", parameters: "", cost: "", q: "", sort: "rank", order: "" };
const listCharts = charts();
const form = $("filters");

const taskName = (task) => `${task.dataset} / ${task.configuration}`;
const isOpen = (entry) => board.tasks[entry.task].recipe === "open";
const track = (task) => `protocol ${task.protocol}${task.recipe === "open" ? ", recipe open" : ""}`;

const NOT_CONVERGED = "validation accuracy still rose by more than .2 points over the last tenth of the training";
const NO_HISTORY = "how its trainings went is not known";

function badges(entry) {
  const badge = (kind, content, title) => h("span", { class: `badge ${kind}`, title }, content);
  const [reviewed, raised] = [true, false].map((isReviewed) => entry.flags.filter((flag) => Boolean(flag.reason) === isReviewed));
  const told = (flags) => flags.map((flag) => `${flag.code}: ${flag.reason || flag.message}`).join("; ");
  return h("span", { class: "badges" },
    badge(entry.trust.level === "reproduced" ? "reproduced" : "", entry.trust.level, entry.trust.checked),
    entry.stillRising ? badge("", "not converged", NOT_CONVERGED) : null,
    entry.lacksHistory ? badge("", "no history", NO_HISTORY) : null,
    entry.otherRecipe ? badge("", "other recipe", entry.otherRecipe) : null,
    raised.length ? badge("flagged", plural(raised.length, "flag", "flags"), told(raised)) : null,
    reviewed.length ? badge("", `${plural(reviewed.length, "flag", "flags")}, reviewed`, told(reviewed)) : null);
}

/** What the badges of a table mean, where they are not those of every entry. */
function explainedBadges(entries) {
  return [entries.some((entry) => entry.stillRising) ? ` Not converged: ${NOT_CONVERGED}.` : "", entries.some((entry) => entry.lacksHistory) ? ` No history: ${NO_HISTORY}.` : "",
    entries.some((entry) => entry.otherRecipe) ? " Other recipe: trained for another number of passes than the recipe of that name has now." : ""];
}

/** How the entries of a comparison were trained, and where that is explained. */
const marksSentence = (marks) => (marks ? [` ${marks}: `, h("a", { href: board.marksExplained }, "what that means"), "."] : null);

function row(entry, range) {
  const [share, low, high] = entry.accuracy, cost = [seconds(entry, "searchSeconds"), seconds(entry, "trainingSeconds")];
  return h("tr", {},
    h("td", { class: entry.rank === 1 ? "place first" : "place" }, entry.place),
    h("th", { scope: "row" }, h("span", { class: "entry-name" }, entryLink(entry), badges(entry)), h("span", { class: "network" }, entry.network, stated(), isOpen(entry) ? ` · ${entry.recipe}` : "")),
    h("td", { class: "bar-cell" }, percent(share), " ", h("span", { class: "quiet" }, brackets(low, high)), bar(share, low, high, range, entry.rank === 1)),
    h("td", { class: "number" }, `${entry.seeds.length}`),
    h("td", { class: "number" }, span(entry.seeds.map((seed) => seed.parameters)), counted(entry)),
    h("td", { class: "number" }, whole(networks(entry))),
    h("td", { class: "number" }, cost.map((each) => (each === null ? "?" : whole(each))).join(" + ")));
}

function samples(task) {
  const { source, width, height, classes, rows } = task.samples;
  const more = classes.length < task.classes.length ? ` The first ${classes.length} of ${task.classes.length} classes.` : "";
  return h("img", { class: "samples", src: /^data:image\/png;base64,/.test(source) ? source : null, width, height,
    alt: `Test images of ${taskName(task)}, up to ${rows} of each class. Columns, from the left: ${classes.join(", ")}.${more}` });
}

const sections = board.tasks.map((task, number) => {
  const entries = board.entries.filter((entry) => entry.task === number);
  const range = shareRange(entries.map((entry) => entry.accuracy[1]), entries.map((entry) => entry.accuracy[2]));
  const rows = new Map(entries.map((entry) => [entry.id, row(entry, range)]));
  const heads = COLUMNS.map(({ key, name, kind, isStated }) => h("th", { scope: "col", class: kind }, h("button", { type: "button", "data-sort": key }, name, isStated ? stated() : null)));
  const body = h("tbody");
  const title = `${taskName(task)}, ${track(task)}`;
  const figures = [h("div"), h("div")], costCaption = h("span");
  const element = h("section", { class: "task", "aria-label": title },
    h("div", { class: "task-head" },
      h("div", {},
        h("h2", {}, task.dataset, h("span", {}, ` / ${task.configuration}${task.recipe === "open" ? ", recipe: open" : ""}`)),
        h("p", {}, `Protocol ${task.protocol} · version ${task.version} · ${whole(task.images)} test images of ${task.size.join(" × ")} · ${task.classes.length} classes`),
        task.protocol === "paper" ? h("p", {}, "Choices were made on 1,000 test images, as in the released code: not comparable with standard.") : null,
        task.recipe === "open" ? h("p", {}, "The open track: their authors changed the recipe of the final training, so these entries are ranked among themselves.") : null),
      samples(task)),
    task.training ? sizesPart(task) : null,
    scroll(`Entries of ${title}`, h("table", {},
      h("caption", {}, h("span", {}, `Entries of ${title}. Brackets hold 95 % intervals. Networks are those that the search trained; seconds those of search + training; both are means over seeds. ${STATED} as stated by the authors, not recomputed.`,
        explainedBadges(entries),
        h("span", { class: "of-bars" }, ` Bars go from ${percent(range[0], 0)} to ${percent(range[1], 0)} %.`)),
        entries.length > 1 ? h("span", { class: "how" }, "A rank is 1 + the number of entries that a paired test finds better; = marks shared ones. An entry whose seeds vary widely can be tied with others that are far better.") : null),
      h("thead", {}, h("tr", {}, heads)), body)),
    h("div", { class: "plots" },
      h("figure", {}, h("figcaption", {}, "Accuracy, %, against parameters", h("span", {}, "Diamonds are the Pareto front: no smaller network is better.")), figures[0]),
      h("figure", {}, h("figcaption", {}, "Accuracy, %, against search cost", costCaption), figures[1])));
  return { task, entries, rows, heads, body, figures, costCaption, element, drawn: "" };
});

/* ---- sections that are made elsewhere: tables of text ---- */

const further = board.sections.map(({ title, note, marks, details, headings, rows, picture, alternative }, number) =>
  h("section", { class: "task", "aria-labelledby": `section-${number}` },
    h("div", { class: "task-head" }, h("div", {}, h("h2", { id: `section-${number}` }, title), h("p", {}, note, marksSentence(marks)),
      details ? h("details", {}, h("summary", {}, "How to read it"), h("p", {}, details)) : null)),
    /^data:image\/svg\+xml;base64,/.test(picture) ? h("img", { class: "picture", src: picture, alt: alternative }) : null,
    simpleTable(`Table: ${title}`, headings.map((name, i) => [name, i > 1 || (i && rows.every((cells) => /^\d/.test(cells[i]))) ? "number" : null]), rows)));
const matrix = board.matrix ? matrixSection(board.matrix) : null;

const filtered = (name, entry, task = board.tasks[entry.task]) => (name === "family" ? entry.family : task[name]);
const isFiltered = () => [...FILTERS, "parameters", "q"].some((name) => state[name]);

function matches(entry) {
  const task = board.tasks[entry.task];
  if (FILTERS.some((name) => state[name] && state[name] !== filtered(name, entry, task))) return false;
  if (state.parameters && entry.seeds.some((seed) => seed.parameters > Number(state.parameters))) return false;
  const hay = [entry.id, entry.network, entry.recipe, entry.method, entry.description, entry.origin, entry.trust.level, ...entry.authors, ...entry.flags.map((flag) => flag.code)].join("\n").toLowerCase();
  return state.q.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

function sorted(entries) {
  const column = COLUMNS.find(({ key }) => key === state.sort), sign = direction(column);
  const value = (entry) => column.by(entry);
  return entries.map((entry, place) => ({ entry, place, value: value(entry) })).sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.place - b.place;
    return sign * (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) || a.place - b.place;
  }).map(({ entry }) => entry);
}
const direction = (column) => (state.order ? (state.order === "up" ? 1 : -1) : column.first);

function updateList() {
  const column = COLUMNS.find(({ key }) => key === state.sort), up = direction(column) === 1;
  let shown = 0, tasks = 0;
  for (const section of sections) {
    const entries = sorted(section.entries.filter(matches));
    section.element.hidden = !entries.length;
    section.body.replaceChildren(...entries.map((entry) => section.rows.get(entry.id)));
    COLUMNS.forEach(({ key }, i) => {
      if (key === state.sort) section.heads[i].setAttribute("aria-sort", up ? "ascending" : "descending");
      else section.heads[i].removeAttribute("aria-sort");
    });
    drawPlots(section, entries);
    shown += entries.length;
    tasks += entries.length > 0;
  }
  for (const section of [...further, matrix]) section?.toggleAttribute("hidden", isFiltered());
  const order = `sorted by ${column.name.toLowerCase()}, ${up ? "ascending" : "descending"}`;
  $("count").textContent = shown ? `${plural(shown, "entry", "entries")} in ${plural(tasks, "task", "tasks")}, ${order}.` : "No entry fits these filters.";
}

function drawPlots(section, entries) {
  const key = state.cost + "\n" + entries.map((entry) => entry.id).sort().join("\n");
  if (key === section.drawn || !entries.length) return;
  section.drawn = key;
  const [axis, cost] = COSTS[state.cost];
  section.costCaption.textContent = "Diamonds are the Pareto front: nothing cheaper is better.";
  listCharts.place((width) => scatter(entries, parameters, "parameters", width), section.figures[0]);
  listCharts.place((width) => scatter(entries, cost, axis, width), section.figures[1]);
}

/* ---- one entry ---- */

let entryCharts = charts();

function card(title, note, ...content) {
  return h("section", { class: "card" }, h("h2", {}, title), note ? h("p", {}, note) : null, ...content);
}
function facts(entry, task) {
  const files = entry.id.split("/").map(encodeURIComponent).join("/");
  const known = [
    ["Network", [entry.network, stated()]],
    ["Method", `${entry.method} (${entry.origin})`],
    ["Authors", entry.authors.join(", ")],
    ["Links", Object.entries(entry.links).map(([name, address]) => outside(address, name))],
    ["Parameters", [span(entry.seeds.map((seed) => seed.parameters)), counted(entry)]],
    ["Search", [networks(entry) ? `${whole(networks(entry))} networks trained, mean over seeds` : "none", stated()]],
    ["Time", [[["searchSeconds", "search"], ["trainingSeconds", "training"]].map(([part, name]) => `${seconds(entry, part) === null ? "?" : whole(seconds(entry, part))} s ${name}`).join(", "), stated()]],
    ["Budget", [entry.budget, entry.recipe && `recipe ${entry.recipe}`].filter(Boolean).join(", ")],
    ["Dataset", `${task.dataset} ${task.version}, ${task.configuration}`],
    ["Outside data", entry.outsideData],
    ["Made", [entry.created.replace("T", " "), entry.hardware].filter(Boolean).join(", ")],
    ["Software", Object.entries(entry.software).map(([name, version]) => `${name} ${version}`).join(", ")],
    ["Files", [h("a", { href: `${files}/entry.json` }, "entry.json"), h("a", { href: `${files}/predictions.npy` }, "predictions.npy")]],
  ];
  const digests = [["Code", entry.codeRevision], ["Predictions", `SHA-256 ${entry.predictionsSha256}`], ["Test images", `content SHA-256 ${task.digest}`]];
  return card("Facts", `${STATED} as stated by the authors, not recomputed; so is what follows on budget, machine and software.`, h("dl", {},
    known.filter(([, value]) => value.length).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    digests.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", { class: "digest" }, value)])));
}

function seedsCard(entry) {
  const label = `Accuracy of each seed of ${entry.name}`;
  return card("Seeds", `Each repeats the whole procedure: search, training, test. ${STATED} as stated by the authors.`,
    simpleTable(label, [["Seed", null], ["Test, %", "number"], [`Validation, % ${STATED}`, "number"], [entry.counted ? "Parameters" : `Parameters ${STATED}`, "number"], [`Networks ${STATED}`, "number"]],
      entry.seeds.map((seed) => [`${seed.seed}`, percent(seed.accuracy), seed.chosenBy === null ? "?" : percent(seed.chosenBy), whole(seed.parameters), whole(seed.networks)])));
}

/** Whether a circle shows it: the angles, and the elements of a group unless they are too many. */
const isRound = ({ name, values, parts }) => values > 2 && parts.length === values && (name === "rotation" || name === "element");

function roundCards(entry) {
  return entry.facets.filter(isRound).map(({ name, parts }) => {
    const order = [...parts].sort((a, b) => a[2] - b[2]), worst = order[0], best = order.at(-1);
    const title = name === "rotation" ? "By rotation" : "By group element";
    const label = `Accuracy ${title.toLowerCase()}: highest ${percent(best[2], 1)} % at ${best[0]}, lowest ${percent(worst[2], 1)} % at ${worst[0]}. The table below has all values.`;
    const where = name === "rotation" ? "Each direction holds the images turned that way, counterclockwise from upright." : "Each direction is one element.";
    return card(title, `${where} The center is ${percent(polarRange(parts)[0], 0)} %; dashed: over all images.`,
      entryCharts.place((width) => polar(parts, entry.accuracy[0], label, width)),
      h("details", {}, h("summary", {}, "As a table"), partsTable(`Accuracy ${title.toLowerCase()}`, name === "rotation" ? "Angle" : "Element", parts)));
  });
}

function movesCard(entry) {
  const flat = entry.facets.filter((facet) => !isRound(facet) && facet.name !== "shift");
  if (!flat.length) return "";
  const [cut, whole] = [true, false].map((isCut) => flat.filter((facet) => facet.parts.length < facet.values === isCut));
  const parts = whole.flatMap(({ name, parts: values }) => values.map(([value, ...rest]) => [`${name} ${value}`, ...rest]));
  return card("By how images were moved", parts.length ? "Each action alone, whatever the others did." : "",
    parts.length ? partsTable("Accuracy by how images were moved", "Moved by", parts) : "",
    ...cut.map((facet) => {
      const title = `The ${facet.parts.length} of ${facet.values} values of ${facet.name} with the lowest accuracy`;
      return h("details", {}, h("summary", {}, title), partsTable(title, "Moved by", facet.parts));
    }));
}

/** A map of the pairs of shifts, whatever else was done to the images. */
function shiftsCard(entry) {
  const [shift, across, down] = ["shift", "htrans", "vtrans"].map((name) => entry.facets.find((facet) => facet.name === name));
  if (!shift || shift.parts.length < shift.values) return "";
  const pairs = new Map(shift.parts.map((part) => [part[0], part]));
  const named = (x, y) => [x === "0 px" ? "" : `htrans ${x}`, y === "0 px" ? "" : `vtrans ${y}`].filter(Boolean).join(" + ") || "identity";
  const shares = shift.parts.map((part) => part[2]), low = Math.min(...shares), high = Math.max(...shares);
  const head = (scope, action, value) => h("th", { scope }, h("span", { class: "hidden-text" }, `${action} `), value);
  const cell = (part) => {
    if (!part) return h("td", {}, h("span", { class: "hidden-text" }, "no image"));
    const [, images, share, least, most] = part;
    const element = h("td", { title: `${plural(images, "image", "images")}, ${brackets(least, most)}` }, percent(share, 1), h("span", { class: "hidden-text" }, `, ${plural(images, "image", "images")}`));
    element.style.setProperty("--share", ((share - low) / (high - low || 1)).toFixed(3));
    return element;
  };
  const table = h("table", { class: "confusion" },
    h("caption", {}, `Columns: htrans. Rows: vtrans. ${span(shift.parts.map((part) => part[1]))} images a cell.`),
    h("thead", {}, h("tr", {}, h("td"), across.parts.map(([x]) => head("col", "htrans", x)))),
    h("tbody", {}, down.parts.map(([y]) => h("tr", {}, head("row", "vtrans", y), across.parts.map(([x]) => cell(pairs.get(named(x, y))))))));
  return card("By both shifts", `Accuracy, %, over all other moves. The stronger the color, the higher: from ${percent(low, 1)} to ${percent(high, 1)} %.`, scroll("Accuracy by both shifts", table));
}

function invarianceCard(entry) {
  if (!entry.invariance.length) return "";
  const images = entry.invariance[0][1];
  return card("Invariance", `Of the first ${whole(images)} test images, how many keep their prediction when they are moved once more; rolls by 4 pixels.`,
    partsTable("Predictions that survive each action", "Action", entry.invariance, "Unchanged, %"));
}

function confusionCard(entry, task) {
  if (entry.confusions) {
    return card("Most frequent confusions", "Counts over images and seeds.",
      simpleTable("Most frequent confusions", [["Label", null], ["Taken for", null], ["Times", "number"]], entry.confusions.map(([label, taken, count]) => [label, taken, whole(count)])));
  }
  const label = `Confusion matrix of ${entry.name}`;
  const table = h("table", { class: "confusion" }, h("caption", {}, "Rows: the label. Columns: what was predicted, % of the label’s images."),
    h("thead", {}, h("tr", {}, h("td"), task.classes.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, entry.confusion.map((counts, i) => {
      const total = counts.reduce((sum, count) => sum + count, 0) || 1;
      return h("tr", {}, h("th", { scope: "row" }, task.classes[i]), counts.map((count, j) => {
        const cell = h("td", { class: i === j ? "right" : null }, percent(count / total, count / total < 0.0995 && count ? 1 : 0));
        cell.style.setProperty("--share", Math.sqrt(count / total).toFixed(3));
        return cell;
      }));
    })));
  return card("Confusion", "", scroll(label, table));
}

function progressCard(title, searches, unit, dots) {
  const names = searches.map(([seed], i) => h("li", {},
    s("svg", { viewBox: "0 0 26 8", "aria-hidden": "true", focusable: "false" }, line(0, 4, 26, 4, `series s${i % 5} d${i % 5}`)), `seed ${seed}`));
  return card(title, `Validation accuracy, %, as stated by the authors: dots are ${dots}, lines the best so far.`,
    entryCharts.place((width) => progress(searches, unit, width)), h("ul", { class: "legend" }, names));
}

function calibrationCard({ expectedError, negativeLogLikelihood, brierScore, bins }) {
  return card("Calibration", `Expected error ${percent(expectedError)} %, negative log-likelihood ${negativeLogLikelihood} nats, Brier score ${brierScore}. Vertical: accuracy, %.`,
    entryCharts.place((width) => reliability(bins, width)));
}

function copyable(content) {
  const block = h("pre", { tabindex: "0" }, content), button = h("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(block); // so that the keyboard's own copy works where the clipboard is closed
    try {
      await navigator.clipboard.writeText(content);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Selected";
    }
  });
  return [block, button];
}

function standing(entry, task) {
  const rivals = board.entries.filter((other) => other.task === entry.task);
  const tied = rivals.filter((other) => entry.tied.includes(other.name));
  const links = tied.flatMap((other, i) => [i ? (i === tied.length - 1 ? " and " : ", ") : "", entryLink(other)]);
  return h("p", { class: "standing" }, `Rank ${entry.place} of ${plural(rivals.length, "entry", "entries")}.`,
    tied.length ? [" A paired test cannot tell it apart from ", links, "."] : rivals.length > 1 ? " A paired test tells it apart from all others." : "");
}

function drawEntry(entry) {
  const task = board.tasks[entry.task], [share, low, high] = entry.accuracy;
  entryCharts.end();
  entryCharts = charts();
  $("entry").replaceChildren(
    h("a", { class: "back", href: "#" + listHash() }, "← All entries"),
    h("div", { class: "entry-top" },
      h("div", {}, h("h1", { tabindex: "-1" }, entry.name), h("p", { class: "task-name" }, `${taskName(task)}, ${track(task)}`)),
      h("div", {}, h("p", { class: "headline" }, percent(share), h("small", {}, " %")), h("p", {}, `95 % interval ${brackets(low, high)}, ${plural(entry.seeds.length, "seed", "seeds")}`))),
    standing(entry, task),
    h("p", { class: "trust" }, h("strong", {}, entry.trust.level), `: ${entry.trust.checked}.`),
    ...entry.trust.problems.map((problem) => h("p", { class: "flag" }, h("strong", {}, "reproduction"), `: ${problem}`)),
    entry.stillRising ? h("p", { class: "flag" }, h("strong", {}, "not converged"), `: validation accuracy still rose by ${percent(entry.stillRising, 1)} points over the last tenth of the training. At the end of a falling learning rate it does so anyway; only a longer run tells whether more passes would help.`) : "",
    entry.otherRecipe ? h("p", { class: "flag" }, h("strong", {}, "other recipe"), `: its final trainings had ${entry.otherRecipe}, by the recipe of this name.`) : "",
    entry.lacksHistory ? h("p", { class: "flag" }, h("strong", {}, "no history"), ": how its trainings went is not known; versions of before history.csv trained for shorter.") : "",
    ...entry.flags.map((flag) => h("p", { class: flag.reason ? "flag reviewed" : "flag" }, h("strong", {}, flag.code), flag.reason ? " (reviewed)" : "", `: ${flag.message}.`, flag.reason ? ` A maintainer has looked: ${flag.reason}` : "")),
    entry.description ? h("p", { class: "prose" }, entry.description) : "",
    h("div", { class: "cards" },
      h("div", {}, facts(entry, task),
        card("By class", "Mean over seeds, Wilson’s interval for the images of the class.", partsTable(`Accuracy by class of ${entry.name}`, "Class", entry.classes)),
        movesCard(entry), invarianceCard(entry)),
      h("div", {}, seedsCard(entry), ...roundCards(entry), shiftsCard(entry), confusionCard(entry, task), entry.calibration ? calibrationCard(entry.calibration) : "")),
    h("div", { class: "rows" },
      entry.progress.length ? progressCard("The search’s progress", entry.progress, "distinct networks trained", "networks") : "",
      entry.training.length ? progressCard("The final training", entry.training, entry.dots ? "validations, after one pass or several" : "passes over the training images", entry.dots ?? "passes") : "",
      entry.command ? card("Command", "", copyable(entry.command)) : "",
      card("How to cite", "The entry, with the digest of its predictions.", copyable(entry.bibtex), task.citation ? [h("p", {}, "The version of the dataset."), copyable(task.citation)] : "")));
}

/* ---- where we are: the address after #, so that links and the back button keep it ---- */

let listScroll = 0;

function listHash() {
  return new URLSearchParams(Object.entries(state).filter(([name, value]) => value && !(name === "sort" && value === "rank"))).toString();
}

function readList(hash) {
  const asked = new URLSearchParams(hash);
  for (const name of Object.keys(state)) state[name] = (asked.get(name) ?? "").slice(0, 100);
  if (!COLUMNS.some(({ key }) => key === state.sort)) state.sort = "rank";
  if (!["up", "down"].includes(state.order)) state.order = "";
  if (!Object.hasOwn(COSTS, state.cost)) state.cost = "";
  if (!(Number(state.parameters) > 0 && Number.isFinite(Number(state.parameters)))) state.parameters = "";
  for (const name of [...FILTERS, "parameters", "cost", "q"]) form.elements[name].value = state[name];
}

function decoded(hash) {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

function show() {
  const hash = location.hash.slice(1), left = $("entry").hidden ? null : $("entry").dataset.id;
  if (!hash.startsWith("/")) {
    readList(hash);
    $("entry").hidden = true;
    $("list").hidden = false;
    document.title = "Leaderboard of the AEN benchmark";
    updateList();
    if (left !== null) {
      $("list").querySelector(`a[href="${CSS.escape(entryHash(left))}"]`)?.focus({ preventScroll: true });
      scrollTo({ top: listScroll, behavior: "instant" });
    }
    return;
  }
  const entry = byId.get(decoded(hash.slice(1)));
  if (!$("list").hidden) listScroll = scrollY;
  $("list").hidden = true;
  $("entry").hidden = false;
  $("entry").dataset.id = entry ? entry.id : "";
  if (entry) drawEntry(entry);
  else $("entry").replaceChildren(h("a", { class: "back", href: "#" + listHash() }, "← All entries"), h("h1", { tabindex: "-1" }, "No such entry"));
  document.title = `${entry ? entry.id : "No such entry"} · AEN benchmark`;
  scrollTo({ top: 0, behavior: "instant" });
  $("entry").querySelector("h1").focus({ preventScroll: true });
}

function keep() {
  history.replaceState(null, "", "#" + listHash());
  updateList();
}

/* ---- theme ---- */

const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function remembered(theme) {
  try {
    if (theme) localStorage.setItem("aenbench-theme", theme);
    return localStorage.getItem("aenbench-theme");
  } catch {
    return theme ?? null; // a browser may keep nothing for files
  }
}
function setTheme(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  $("theme").setAttribute("aria-pressed", `${isDark()}`);
}
const isDark = () => (document.documentElement.dataset.theme ?? (darkSystem.matches ? "dark" : "light")) === "dark";

/* ---- start ---- */

for (const name of FILTERS) {
  const values = [...new Set(board.entries.map((entry) => filtered(name, entry)))].sort();
  form.elements[name].append(h("option", { value: "" }, "all"), ...values.map((value) => h("option", { value }, value)));
}
const isFirst = (_, number) => board.sections[number].is_first;
$("tasks").append(...further.filter(isFirst), matrix ?? "", ...sections.map((section) => section.element), ...further.filter((...at) => !isFirst(...at)));
$("theme").addEventListener("click", () => setTheme(remembered(isDark() ? "light" : "dark")));
darkSystem.addEventListener("change", () => setTheme(null));
$("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after # says where we are
  $("content").focus();
});
form.addEventListener("input", (event) => {
  state[event.target.name] = event.target.value;
  keep();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", (event) => {
  event.preventDefault();
  readList("");
  keep();
});
$("tasks").addEventListener("click", (event) => {
  const key = event.target.closest("button[data-sort]")?.dataset.sort;
  if (!key) return;
  const column = COLUMNS.find((each) => each.key === key), sign = state.sort === key ? -direction(column) : column.first;
  state.sort = key;
  state.order = sign === column.first ? "" : sign === 1 ? "up" : "down";
  keep();
});
addEventListener("hashchange", show);
setTheme(remembered());
show();
