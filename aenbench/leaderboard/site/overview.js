
/* ---- what `packing` packed; this file only holds functions, which page.js calls ---- */

function unpacked({ entries: { columns, rows }, seedColumns, tasks }) {
  const named = (names, values) => Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const parts = (values, heads) => values.map((part, i) => (part.length === 3 ? [...heads[i], ...part] : part));
  return rows.map((values) => {
    const entry = named(columns, values), { heads } = tasks[entry.task];
    entry.seeds = entry.seeds.map((seed) => named(seedColumns, seed));
    entry.classes = parts(entry.classes, heads.classes);
    entry.facets = entry.facets.map(([name, count, shown]) => ({ name, values: count, parts: parts(shown, heads[name]) }));
    for (const curves of [entry.progress, entry.training]) {
      for (const curve of curves) curve[1] = points(curve[1]);
    }
    return entry;
  });
}

/** [number, value, best so far] of each point, where only the values are there. */
function points(curve) {
  let best = 0;
  return curve.map((point, i) => (Array.isArray(point) ? point : [i + 1, point, (best = Math.max(best, point))]));
}

/* ---- the matrix of methods and tasks ---- */

function matrixSection({ title, note, marks, tasks, lines }) {
  const groups = [];
  for (const [dataset] of tasks) {
    if (groups.at(-1)?.dataset === dataset) groups.at(-1).count += 1;
    else groups.push({ dataset, count: 1 });
  }
  const starts = tasks.map(([dataset], i) => dataset !== tasks[i - 1]?.[0]);
  const table = h("table", { class: "matrix" }, h("caption", { class: "hidden-text" }, title),
    h("thead", {},
      h("tr", {}, h("th", { scope: "col", rowspan: 2 }, "Method"), h("th", { scope: "col", rowspan: 2, class: "number" }, "Best", h("br"), "or tied"),
        groups.map(({ dataset, count }) => h("th", { scope: "colgroup", colspan: count, class: "starts" }, h("span", {}, dataset)))),
      h("tr", {}, tasks.map(([dataset, configuration], i) => h("th", { scope: "col", class: starts[i] ? "number starts" : "number" }, taskLink(dataset, configuration), markPlace(""))))),
    h("tbody", {}, lines.map(([method, leading, entries, cells]) => h("tr", {},
      h("th", { scope: "row" }, method), h("td", { class: "number quiet" }, `${leading} of ${entries}`),
      cells.map((cell, i) => matrixCell(cell, starts[i]))))));
  return h("section", { class: "overview", "aria-labelledby": "matrix" },
    h("div", { class: "task-head" }, h("div", {}, h("h2", { id: "matrix" }, title), h("p", {}, note, marksSentence(marks)))), scroll(`Table: ${title}`, table));
}

function matrixCell(cell, isStart) {
  const [share, mark] = cell || [];
  const kind = ["number", isStart && "starts", mark].filter(Boolean).join(" ");
  if (!cell) return h("td", { class: kind }, h("span", { class: "hidden-text" }, "no entry"));
  return h("td", { class: kind }, percent(share), markPlace(mark === "tied" ? "=" : ""),
    mark ? h("span", { class: "hidden-text" }, mark === "best" ? ", best of the task" : ", tied with the best") : null);
}

/** Room for a mark behind a number, so that numbers stay below each other. */
function markPlace(mark) {
  return h("span", { class: "mark-place", "aria-hidden": "true" }, mark);
}

/** Leads to the entries of one task: the filters say which. */
function taskLink(dataset, configuration) {
  const link = h("a", { href: `#${new URLSearchParams({ dataset, configuration, protocol: "standard" })}`, "aria-label": `${dataset} / ${configuration}` }, configuration);
  link.addEventListener("click", () => addEventListener("hashchange", () => $("content").focus(), { once: true }));
  return link;
}

/* ---- accuracy against the number of training images ---- */

function styleOf(i) {
  return `s${i % 5} d${(i + Math.floor(i / 5)) % 5}`;
}

function sizesPart(task) {
  const { note, sizes, methods } = task.training, place = `${task.dataset}/${task.configuration}/`;
  const title = "Accuracy, %, against training images";
  const legend = methods.map(([name], i) => h("li", {},
    s("svg", { viewBox: "0 0 26 8", "aria-hidden": "true", focusable: "false" }, line(0, 4, 26, 4, `series ${styleOf(i)}`)), name));
  return h("div", { class: "plots sizes" },
    h("figure", {}, h("figcaption", {}, title, h("span", {}, note)),
      listCharts.place((width) => sizesChart(task, width)), h("ul", { class: "legend" }, legend)),
    simpleTable(`${title}, ${taskName(task)}`, [["Method", null], ["Area, %", "number"], ...sizes.map((size) => [`${whole(size)} images`, "number"])],
      methods.map(([name, area, points]) => [name, area, ...points.map(([entry, share, low, high]) =>
        [h("a", { href: entryHash(place + entry) }, percent(share)), h("span", { class: "quiet" }, ` ${brackets(low, high)}`)])])));
}

function sizesChart({ training: { sizes, methods } }, width) {
  const height = 300, left = 44, right = 18, top = 14, bottom = 46;
  const all = methods.flatMap(([, , points]) => points);
  const [low, high] = shareRange(all.map((point) => point[2]), all.map((point) => point[3]));
  const from = Math.log(sizes[0]), to = Math.log(sizes.at(-1)), room = 4 * methods.length;
  const atX = (size, i = (methods.length - 1) / 2) => left + room + ((width - left - right - 2 * room) * (Math.log(size) - from)) / (to - from) + 3 * (i - (methods.length - 1) / 2);
  const atY = (share) => height - bottom - ((height - top - bottom) * (share - low)) / (high - low);
  const told = methods.map(([name, area]) => `${name} ${area}`).join("; ");
  let last = -Infinity;
  const named = sizes.filter((size) => atX(size) - last > 40 && ((last = atX(size)), true));
  return canvas(width, height, `Accuracy against ${sizes.map(whole).join(", ")} training images. Areas in %: ${told}. The table has all values.`,
    ticks(100 * low, 100 * high, 5).map((tick) => [
      line(left, atY(tick / 100), width - right, atY(tick / 100), "grid"),
      text(left - 8, atY(tick / 100) + 4, `${tick}`, "end"),
    ]),
    sizes.map((size) => line(atX(size), height - bottom, atX(size), height - bottom + 5, "axis")),
    named.map((size) => text(atX(size), height - bottom + 19, short(size), "middle")),
    line(left, height - bottom, width - right, height - bottom, "axis"),
    text((left + width - right) / 2, height - 6, "training images, logarithmic", "middle"),
    methods.map(([, , points], i) => points.map(([, , least, most], n) => line(atX(sizes[n], i), atY(least), atX(sizes[n], i), atY(most), `spread s${i % 5}`))),
    methods.map(([, , points], i) => path(points.map((point, n) => [atX(sizes[n], i), atY(point[1])]), `series ${styleOf(i)}`)),
    methods.map(([, , points], i) => points.map((point, n) => s("circle", { class: `dot full s${i % 5}`, cx: atX(sizes[n], i), cy: atY(point[1]), r: 3.5 }))));
}
