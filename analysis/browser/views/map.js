/** The map of what trains: every learning rate and initialization, a panel for each mode. */

import { element, keepingFocus, menu, shape } from "../drawing/elements.js";
import { text } from "../drawing/frame.js";
import { fixed, plain } from "../drawing/numbers.js";
import { logScale, lrEdges } from "../drawing/scales.js";
import { cellAt, drawCells } from "./cells.js";

const [LINE, LEAST, MOST] = [16, 28, 620];
const MANY = 40;
const LABELS = 8;
const PANEL = 300;
const [LETTER, LETTER_HEIGHT, MOST_LEFT] = [7, 11, 150];

/** Draw the map into a container, and anew with each change. */
export function map(container, page) {
  const always = ["setting", "norms", "seeds", "map", "init", "gain"];
  const fields = () => (page.state.get().map === "trains" ? [...always, "fraction", "bar"] : always);
  page.watch(fields, () => {
    keepingFocus(container, () => container.replaceChildren(choice(page), panels(page, container.clientWidth), key(page)));
  }, container);
}

function choice(page) {
  const options = [["accuracy", `mean ${page.header.score}`], ["trains", "share of the seeds that train"]];
  return menu("Colour", options, page.state.get().map, (map) => page.state.set({ map }));
}

function panels(page, width) {
  const { norms } = page.current();
  const columns = Math.max(1, Math.min(norms.length, Math.floor(width / PANEL)));
  const each = Math.floor((width - 14 * (columns - 1)) / columns);
  return element("div", { class: "panels", style: `--columns: ${columns}` }, norms.map((norm) => panel(page, norm, each)));
}

function panel(page, norm, width) {
  const { grid } = page.setting();
  const lines = page.lines(grid);
  const left = lines.length > 1 ? Math.min(MOST_LEFT, 14 + LETTER * Math.max(...lines.map(({ name }) => name.length))) : 8;
  const tall = lines.length > MANY ? Math.min(MOST, width - left) : Math.max(LEAST, LINE * lines.length);
  const ratio = window.devicePixelRatio || 1;
  const canvas = element("canvas", {
    width: Math.round((width - left) * ratio),
    height: Math.round(tall * ratio),
    style: `width: ${width - left}px; height: ${tall}px`,
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map",
    "data-name": `map ${norm}`,
    "aria-label": `${norm}: ${page.header.score} by learning rate and initialization. Arrow keys read the cells, Enter opens a trial.`,
  });
  const what = page.state.get().map;
  const of = page.current().means.get(norm)[what];
  const values = rowsOf(grid, lines, of);
  const best = what === "trains" ? 1 : page.current().best;
  drawCells(canvas, { values, rows: lines.length, lrs: grid.lrs, low: 0, high: best, colors: page.colors });
  listen(page, canvas, { grid, norm, lines, what });
  return element(
    "figure",
    { class: "panel" },
    element("figcaption", {}, page.look(norm).name),
    element("div", { class: "map" }, lineLabels(lines, left, tall), canvas),
    lrLabels(grid, left, width),
  );
}

/** Return the rows of an array of shape I,G,L that are drawn, the largest gain at the top. */
function rowsOf(grid, lines, values) {
  const num = grid.lrs.length;
  if (lines.length === grid.inits.length * grid.gains.length && lines.length === 1) return values;
  const found = new Float32Array(lines.length * num);
  lines.forEach(({ i, g }, row) => {
    const first = (i * grid.gains.length + g) * num;
    found.set(values.subarray(first, first + num), row * num);
  });
  return found;
}

function lineLabels(lines, left, height) {
  if (lines.length < 2) return element("span", { style: `width: ${left}px` });
  const svg = shape("svg", { width: left, height, "aria-hidden": "true" });
  const step = Math.max(1, Math.ceil(lines.length / Math.max(LABELS, height / 28)));
  lines.forEach(({ name }, row) => {
    const middle = ((row + 0.5) * height) / lines.length + 4;
    if (row % step === 0) svg.append(text(left - 6, Math.max(middle, LETTER_HEIGHT), name, { class: "tick", "text-anchor": "end" }));
  });
  return svg;
}

function lrLabels(grid, left, width) {
  const edges = lrEdges(grid.lrs);
  const lr = logScale([edges[0], edges.at(-1)], [left, width]);
  const svg = shape("svg", { width, height: 34, "aria-hidden": "true" });
  for (const tick of lr.ticks) {
    const anchor = lr.at(tick) + (LETTER * lr.text(tick).length) / 2 > width ? "end" : "middle"; // within the panel
    svg.append(text(lr.at(tick), 14, lr.text(tick), { class: "tick", "text-anchor": anchor }));
  }
  svg.append(text((left + width) / 2, 30, "learning rate", { class: "label", "text-anchor": "middle" }));
  return svg;
}

function listen(page, canvas, map) {
  const cursor = { row: 0, column: 0 };
  let touched = "";
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return cellAt(map.grid.lrs, map.lines.length, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  page.hint(canvas, (event) => {
    const cell = at(event);
    return cell ? wordsOf(page, map, cell) : null;
  });
  canvas.addEventListener("click", (event) => {
    const cell = at(event);
    const isFirstTap = event.pointerType === "touch" && touched !== JSON.stringify(cell); // the first one reads the cell
    touched = JSON.stringify(cell);
    if (cell && !isFirstTap) page.open(cellsOf(page, map, cell));
  });
  canvas.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === "Enter") page.open(cellsOf(page, map, cursor));
    else if (down || right) {
      cursor.row = Math.max(0, Math.min(map.lines.length - 1, cursor.row + down));
      cursor.column = Math.max(0, Math.min(map.grid.lrs.length - 1, cursor.column + right));
      page.say(wordsOf(page, map, cursor).join(", "), canvas);
    } else return;
    event.preventDefault();
  });
}

function wordsOf(page, { grid, norm, lines }, { row, column }) {
  const { i, g } = lines[row];
  const k = (i * grid.gains.length + g) * grid.lrs.length + column;
  const { accuracy, trains, runs, diverged } = page.current().means.get(norm);
  const place = `${norm}, ${grid.inits[i]}, gain ${plain(grid.gains[g])}, lr ${plain(grid.lrs[column])}`;
  if (!runs[k]) return [place, "no result"];
  const lost = diverged[k] ? [`${diverged[k]} diverged`] : [];
  return [place, `${page.header.score} ${fixed(accuracy[k], 3)}, mean of ${runs[k]}`, `${Math.round(100 * trains[k])} % train`, ...lost];
}

/** Return the trials of a cell, one for each seed chosen. */
function cellsOf(page, { norm, lines }, { row, column }) {
  const { i, g } = lines[row];
  return page.current().seeds.map((seed) => page.cell(seed, norm, i, g, column));
}

function key(page) {
  const high = page.state.get().map === "trains" ? 1 : page.current().best;
  const bar = element("canvas", { width: 256, height: 1, class: "key", role: "img", "aria-label": "colour scale" });
  const image = new ImageData(256, 1);
  for (let k = 0; k < 256; k++) image.data.set([page.colors[3 * k], page.colors[3 * k + 1], page.colors[3 * k + 2], 255], 4 * k);
  bar.getContext("2d").putImageData(image, 0, 0);
  return element("p", { class: "note keyed" }, "0 ", bar, ` ${fixed(high, 2)}; where nothing is drawn there is no result.`);
}
