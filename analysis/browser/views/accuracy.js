/** Accuracy over the learning rate: lines are means, bands where runs lie, points are trials. */

import { overLines } from "../data/means.js";
import { element, keepingFocus, menu, shape } from "../drawing/elements.js";
import { LABEL_ROOM, endLabels, frame, pathAround, pathThrough } from "../drawing/frame.js";
import { marker } from "../drawing/markers.js";
import { fixed, plain } from "../drawing/numbers.js";
import { lrEdges } from "../drawing/scales.js";
import { brushable } from "./brush.js";
import { enhance, tableOf } from "./table.js";
import { walkable } from "./walking.js";

const MAX_PANELS = 6;
const MAX_POINTS = 3000;
const MANY = 4;
const MAX_MARKS = 20;

/** Draw the panels into a container, and anew with each change. */
export function accuracy(container, page) {
  page.watch(["setting", "norms", "seeds", "init", "gain", "brush", "trial"], () => {
    const { grid } = page.setting();
    const lines = page.lines(grid);
    const panels = lines.length <= MAX_PANELS ? lines.map((line) => [line]) : [lines];
    const columns = Math.max(1, Math.min(panels.length, Math.floor(container.clientWidth / 400)));
    const width = Math.floor((container.clientWidth - 14 * (columns - 1)) / columns);
    const drawn = panels.map((some) => panel(page, grid, some, width, lines.length));
    const charts = element("div", { class: "panels", style: `--columns: ${columns}` }, drawn);
    keepingFocus(container, () => container.replaceChildren(range(page, grid), charts, caption(panels, grid, page), asTable(page, grid)));
  }, container);
}

/** Return how high the line of a mode reaches, in pixels. */
function topOf(page, grid, lines, norm, chart) {
  const isIn = (i, g) => lines.some((line) => line.i === i && line.g === g);
  return chart.y.at(Math.max(...overLines(grid, page.current().means.get(norm).accuracy, isIn).filter(Number.isFinite)));
}

/** Return menus for the range of learning rates that is otherwise dragged. */
function range(page, grid) {
  const { brush } = page.state.get();
  const [from, to] = brush ?? [null, null];
  const options = (none) => [["", none], ...grid.lrs.map((lr) => [String(lr), plain(lr)])];
  const choose = (ends) => {
    const known = ends.map((end, k) => (end === "" || end === null ? (k ? grid.lrs.at(-1) : grid.lrs[0]) : Number(end)));
    page.state.set({ brush: ends.every((end) => end === "" || end === null) ? null : known.sort((a, b) => a - b) });
  };
  return element(
    "div",
    { class: "choices" },
    menu("Learning rates from", options("lowest"), String(from ?? ""), (lr) => choose([lr, to])),
    menu("to", options("highest"), String(to ?? ""), (lr) => choose([from, lr])),
  );
}

/** Return the means of the chart as a table, folded. */
function asTable(page, grid) {
  const { norms, means } = page.current();
  const isIn = page.isLineChosen(grid);
  const of = norms.map((norm) => overLines(grid, means.get(norm).accuracy, isIn));
  const rows = grid.lrs.map((lr, l) => [
    { text: plain(lr), value: lr },
    ...of.map((values) => ({ text: fixed(values[l], 3), value: Number.isFinite(values[l]) ? values[l] : "" })),
  ]);
  const columns = ["learning rate", ...norms].map((title) => ({ title }));
  const table = tableOf(`Mean ${page.header.score} by learning rate, over the initializations chosen`, columns, rows);
  const folded = element("details", {}, element("summary", {}, "As a table"), element("div", { class: "wide" }, table));
  enhance(table, `${page.header.name}-by-lr`);
  return folded;
}

function panel(page, grid, lines, width, numLines) {
  const { norms, top } = page.current();
  const edges = lrEdges(grid.lrs);
  const name = lines.length > 1 ? `mean over ${lines.length} initializations` : numLines > 1 ? page.lineTitle(lines[0].name) : "";
  const chart = frame({
    width,
    height: 300,
    title: name,
    label: `${page.header.score} over learning rate, ${name}`,
    x: { domain: [edges[0], edges.at(-1)], isLog: true, label: "learning rate" },
    y: { domain: [0, Math.max(top, 0.05) * 1.04], label: page.header.score },
    margin: { right: LABEL_ROOM },
  });
  brushable(chart, page);
  const means = norms.map((norm) => lineOf(page, grid, lines, norm, chart));
  const isFew = norms.length <= MANY && lines.length * grid.lrs.length * norms.length * page.current().seeds.length <= MAX_POINTS;
  const trials = isFew ? norms.map((norm) => lines.flatMap((line) => trialsOf(page, grid, line, norm, chart))) : [];
  chart.svg.append(...endLabels(chart, norms.map((norm) => ({ ...page.look(norm), y: topOf(page, grid, lines, norm, chart) })), false));
  walkable(chart.svg, page, `accuracy ${name}`, [...means, ...trials.map((points) => points.sort((one, other) => one.x - other.x))]);
  return element("figure", { class: "panel" }, chart.svg);
}

/** Draw the line of a mode, and its band where modes are few, else its marks; return its points. */
function lineOf(page, grid, lines, norm, chart) {
  const means = page.current().means.get(norm);
  const isIn = (i, g) => lines.some((line) => line.i === i && line.g === g);
  const mean = overLines(grid, means.accuracy, isIn);
  const band = lines.length > 1 ? quartiles(grid, lines, means.accuracy) : rangeOf(grid, lines[0], means);
  const { color, dash, marker: kind } = page.look(norm);
  const x = (l) => chart.x.at(grid.lrs[l]);
  const around = pathAround(band.map(([low, high], l) => [x(l), chart.y.at(low), chart.y.at(high)]));
  const path = pathThrough([...mean].map((value, l) => [x(l), chart.y.at(value)]));
  const line = shape("path", { d: path, stroke: color, "stroke-dasharray": dash, class: "line" });
  page.hint(line, () => [norm]);
  const words = (l) => [norm, `lr ${plain(grid.lrs[l])}`, `mean ${page.header.score} ${fixed(mean[l], 3)}`];
  const points = grid.lrs.map((_, l) => ({ x: x(l), y: chart.y.at(mean[l]), words: words(l) })).filter(({ y }) => Number.isFinite(y));
  const isFew = page.current().norms.length <= MANY;
  if (isFew) chart.plot.append(shape("path", { d: around, fill: color, class: "band" }));
  chart.plot.append(line);
  for (const { x: across, y, words: told } of isFew || points.length > MAX_MARKS ? [] : points) {
    const mark = marker(kind, across, y, 3, { fill: color });
    page.hint(mark, () => told);
    chart.plot.append(mark);
  }
  return points;
}

function rangeOf(grid, { i, g }, { low, high, runs }) {
  const first = (i * grid.gains.length + g) * grid.lrs.length;
  return grid.lrs.map((_, l) => (runs[first + l] ? [low[first + l], high[first + l]] : [NaN, NaN]));
}

/** Return by lr the quartiles of the means of many initializations. */
function quartiles(grid, lines, values) {
  const num = grid.lrs.length;
  return grid.lrs.map((_, l) => {
    const column = Float64Array.from(lines, ({ i, g }) => values[(i * grid.gains.length + g) * num + l]).filter((value) => !Number.isNaN(value)).sort();
    return column.length ? [quantile(column, 0.25), quantile(column, 0.75)] : [NaN, NaN];
  });
}

/** Return a quantile of sorted values, by linear interpolation. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** Draw the trials of a mode and initialization; return their points. */
function trialsOf(page, grid, { i, g }, norm, chart) {
  const { color, marker: kind } = page.look(norm);
  const chosen = page.state.get().trial;
  const made = [];
  for (const seed of page.current().seeds) {
    for (let l = 0; l < grid.lrs.length; l++) {
      const cell = page.cell(seed, norm, i, g, l);
      const value = grid.accuracy[cell];
      if (Number.isNaN(value)) continue;
      const [x, y] = [chart.x.at(grid.lrs[l]), chart.y.at(value)];
      const isLost = grid.diverged[cell] === 1;
      const mark = isLost
        ? shape("path", { d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6`, stroke: color, class: "cross" })
        : marker(kind, x, y, chosen === page.key(cell) ? 6 : 2.8, { fill: color, class: "point" });
      const words = [norm, `lr ${plain(grid.lrs[l])}, gain ${plain(grid.gains[g])}, seed ${seed}`, isLost ? "diverged" : `${page.header.score} ${fixed(value, 3)}`];
      page.hint(mark, () => words);
      mark.addEventListener("click", () => page.open([cell]));
      chart.plot.append(mark);
      made.push({ x, y, words, cells: [cell] });
    }
  }
  return made;
}

function caption(panels, grid, page) {
  const numNorms = page.current().norms.length;
  const band = panels[0].length > 1 ? "the middle half of the initializations" : "from the lowest seed to the highest";
  const few = numNorms <= MANY ? `Bands: ${band}. Crosses: diverged. ` : `Bands and trials are drawn of ${MANY} modes or fewer. `;
  const told = `Lines: mean over ${grid.seeds.length > 1 ? "seeds" : "runs"}. ${few}Drag over a chart to choose learning rates for the views below, click on it to undo.`;
  return element("p", { class: "note" }, told);
}

