/** The answer as a picture: for each mode the share of its runs that train at each learning rate, and its mean accuracy. */

import { overLines } from "../data/means.js";
import { element, shape } from "../drawing/elements.js";
import { pathThrough, text } from "../drawing/frame.js";
import { fixed, intervalText, plain } from "../drawing/numbers.js";
import { extent, linearScale, logScale, lrEdges, padded } from "../drawing/scales.js";
import { walkable } from "./walking.js";

const ROW = { wide: 46, narrow: 62 };
const STRIP = 30;
const [TOP, BOTTOM] = [30, 44];
const WIDE = 640;

/** Draw the picture into a container, and anew with each change. */
export function lead(container, page) {
  page.watch(["setting", "norms", "seeds", "fraction", "bar", "baseline"], () => {
    container.replaceChildren(picture(page, container.clientWidth), note(page, container.clientWidth));
  }, container);
}

function picture(page, width) {
  const { grid } = page.setting();
  const rows = ranked(page);
  const isWide = width >= WIDE;
  const columns = columnsOf(width, isWide);
  const each = isWide ? ROW.wide : ROW.narrow;
  const height = TOP + each * rows.length + BOTTOM;
  const told = rows.map(({ norm, area }) => `${norm} ${fixed(area?.value, 2)}`).join(", ");
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Mean ${page.header.score} over log learning rate: ${told}` });
  const edges = lrEdges(grid.lrs);
  const lr = logScale([edges[0], edges.at(-1)], columns.lr);
  svg.append(...lrAxis(lr, columns, height), text(columns.lr[0], 18, "share of the runs that train, from 0 to 1", { class: "tick" }));
  const points = rows.map((row, k) => strip(page, svg, grid, row, { lr, edges, base: TOP + each * (k + 1) - 8, isWide }));
  if (isWide && rows.some(({ area }) => Number.isFinite(area?.value))) {
    means(page, svg, rows, columns, height).forEach((estimates, k) => points[k].push(...estimates));
  }
  walkable(svg, page, "lead", points);
  return svg;
}

function columnsOf(width, isWide) {
  const left = isWide ? 150 : 8;
  return isWide ? { lr: [left, width * 0.62], mean: [width * 0.66, width - 76], decades: width - 8 } : { lr: [left, width - 8] };
}

/** Return what is known of each mode, the most robust first. */
function ranked(page) {
  const { norms, rows } = page.current();
  const found = norms.map((norm) => {
    const of = (measure) => rows.find((row) => row.norm === norm && row.measure === measure);
    return { norm, area: of("mean_accuracy"), width: of("trainable_decades") };
  });
  return found.sort((one, other) => (other.area?.value ?? -1) - (one.area?.value ?? -1));
}

function lrAxis(lr, { lr: [left, right] }, height) {
  const base = height - BOTTOM + 4;
  const ticks = lr.ticks.flatMap((tick) => [
    shape("line", { class: "grid", x1: lr.at(tick), x2: lr.at(tick), y1: TOP - 6, y2: base }),
    text(lr.at(tick), base + 16, lr.text(tick), { class: "tick", "text-anchor": "middle" }),
  ]);
  return [...ticks, text((left + right) / 2, base + 34, "learning rate", { class: "label", "text-anchor": "middle" })];
}

/** Draw a mode's name and its strip, as high as the share of its runs that train at each learning rate; return its points. */
function strip(page, svg, grid, { norm, width }, { lr, edges, base, isWide }) {
  const means = page.current().means.get(norm);
  const shares = overLines(grid, means.trains);
  const scores = overLines(grid, means.accuracy);
  const top = (share) => base - (Number.isFinite(share) ? share : 0) * STRIP;
  const outline = [...shares].flatMap((share, l) => [[lr.at(edges[l]), top(share)], [lr.at(edges[l + 1]), top(share)]]);
  const { name, color } = page.look(norm);
  const area = [[lr.at(edges[0]), base], ...outline, [lr.at(edges.at(-1)), base]];
  const heights = [...scores].map((score, l) => [lr.at(grid.lrs[l]), base - (score / page.current().best) * STRIP]);
  const label = isWide ? text(lr.at(edges[0]) - 10, base - 8, name, { class: "mode", "text-anchor": "end" }) : null;
  const above = isWide ? null : text(lr.at(edges[0]), base - STRIP - 6, `${name}: ${decadesText(width)} decades`, { class: "mode" });
  const words = (l) => [`${norm} at lr ${plain(grid.lrs[l])}`, `${Math.round(100 * shares[l])} % of the runs train`, `mean ${page.header.score} ${fixed(scores[l], 3)}`];
  const target = shape("rect", { class: "target", x: lr.at(edges[0]), y: base - STRIP, width: lr.at(edges.at(-1)) - lr.at(edges[0]), height: STRIP });
  page.hint(target, (event) => words(columnAt(edges, lr, event)));
  svg.append(
    shape("line", { class: "axis", x1: lr.at(edges[0]), x2: lr.at(edges.at(-1)), y1: base, y2: base }),
    shape("path", { d: `${pathThrough(area)}Z`, fill: color, opacity: 0.85 }),
    shape("path", { d: pathThrough(heights), class: "line thin" }),
    label ?? above,
    target,
  );
  return grid.lrs.map((at, l) => ({ x: lr.at(at), y: top(shares[l]), words: words(l) })).filter((_, l) => Number.isFinite(scores[l]));
}

function columnAt(edges, lr, event) {
  const box = event.currentTarget.ownerSVGElement.getBoundingClientRect();
  const scale = event.currentTarget.ownerSVGElement.viewBox.baseVal.width / box.width;
  const at = lr.invert((event.clientX - box.left) * scale);
  return Math.max(0, Math.min(edges.length - 2, edges.findIndex((edge) => edge > at) - 1));
}

/** Draw the means with their axis; return by row the points. */
function means(page, svg, rows, columns, height) {
  const ends = rows.flatMap(({ area }) => [area?.value, area?.low, area?.high]).filter(Number.isFinite);
  const range = extent(ends) ?? [0, 1];
  const x = linearScale(padded(range, false), columns.mean);
  const base = height - BOTTOM + 4;
  const ticks = x.ticks.flatMap((tick) => [
    shape("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: TOP - 6, y2: base }),
    text(x.at(tick), base + 16, x.text(tick), { class: "tick", "text-anchor": "middle" }),
  ]);
  const label = text((columns.mean[0] + columns.mean[1]) / 2, base + 34, `mean ${page.header.score}`, { class: "label", "text-anchor": "middle" });
  const head = text(columns.decades, 18, "decades", { class: "tick", "text-anchor": "end" });
  svg.append(...ticks, label, head);
  return rows.map((row, k) => estimate(page, svg, row, x, TOP + ROW.wide * (k + 0.5) + 4, columns.decades));
}

/** Draw the dot of a mode with its interval, hollow where it is not told apart from the baseline; return its point, if it has one. */
function estimate(page, svg, { norm, area, width }, x, y, right) {
  if (!Number.isFinite(area?.value)) return [];
  const { color } = page.look(norm);
  const line = Number.isFinite(area.low) ? shape("line", { x1: x.at(area.low), x2: x.at(area.high), y1: y, y2: y, stroke: color, "stroke-width": 2.5 }) : null;
  const dot = shape("circle", { cx: x.at(area.value), cy: y, r: 5.5, stroke: color, "stroke-width": 2, ...page.fillOf(norm, "mean_accuracy", color) });
  const interval = intervalText(area.low, area.high, 3);
  const words = [norm, `mean ${page.header.score} ${fixed(area.value, 3)}`, interval ? `interval ${interval}` : "no interval", `${decadesText(width)} decades`, `${area.nSeeds} seeds`];
  page.hint(dot, () => words);
  const number = text(right, y + 4, decadesText(width), { class: "number", "text-anchor": "end" });
  svg.append(...[line, dot, number].filter(Boolean));
  return [{ x: x.at(area.value), y, words }];
}

function decadesText(width) {
  return width ? `${width.atLeast ? "≥ " : ""}${fixed(width.value, 1)}` : "none";
}

function note(page, width) {
  const { confidence, score } = page.header;
  const { rows, differences } = page.current();
  const has = (some) => some.some(({ measure, low }) => measure === "mean_accuracy" && Number.isFinite(low));
  const told = [
    `Filled: the share of all runs of a mode that train at each learning rate; line: their mean ${score} as a share of the best.`,
    width >= WIDE && (has(rows) ? `Right: mean ${score} with its ${(100 * confidence).toFixed(1)} % interval.` : `Right: mean ${score}; too few seeds for intervals.`),
    width >= WIDE && has(differences) && `Hollow: not told apart from ${page.baseline()}.`,
    "Decades: over how much of the learning rate a mode trains, in factors of ten.",
  ];
  return element("p", { class: "note" }, told.filter(Boolean).join(" "));
}
