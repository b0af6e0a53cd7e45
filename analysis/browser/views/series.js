/** What was measured on the way, over the steps of training: a line for each mode, at the learning rates chosen. */

import { element, keepingFocus, menu, missing, shape } from "../drawing/elements.js";
import { LABEL_ROOM, endLabels, frame, pathAround, pathThrough } from "../drawing/frame.js";
import { marker } from "../drawing/markers.js";
import { plain } from "../drawing/numbers.js";
import { extent, padded } from "../drawing/scales.js";
import { walkable } from "./walking.js";

const MANY = 4;
const FEW_STEPS = 12;

/** Draw the quantities of one section into a container, and anew with each change. */
export function series(section) {
  return (container, page) => {
    const draw = () => keepingFocus(container, () => container.replaceChildren(...parts(section, page, container.clientWidth)));
    page.watch(["setting", "norms", "seeds", "init", "gain", "brush", "at", section], draw, container);
  };
}

function parts(section, page, width) {
  const all = page.setting().series.filter((one) => one.section === section);
  if (!all.length) return [missing(page.setting().absent[section])];
  const chosen = all.find(({ name }) => name === page.state.get()[section]) ?? all.find(({ steps }) => steps.length > 1) ?? all[0];
  const options = all.map(({ name, title }) => [name, title]);
  const quantity = menu("Quantity", options, chosen.name, (name) => page.state.set({ [section]: name }));
  const lrs = rates(page);
  const lines = page.current().norms.map((norm) => ({ norm, ...overSteps(page, chosen, norm, lrs) }));
  const unlogged = section === "training" && page.setting().absent.unlogged;
  return [
    element("div", { class: "choices" }, quantity, rateMenu(page)),
    chart(page, chosen, lines, width),
    told(page, chosen, lrs, lines),
    unlogged && element("p", { class: "note" }, unlogged),
  ].filter(Boolean);
}

/** Return a menu of the learning rates; where a range is chosen by dragging, that is shown in all views. */
export function rateMenu(page) {
  const { grid } = page.setting();
  if (page.state.get().brush) {
    const [from, to] = page.state.get().brush;
    const undo = () => page.state.set({ brush: null });
    return element("button", { type: "button", "data-name": "undo", click: undo }, `lr ${plain(from)} to ${plain(to)}: show one rate again`);
  }
  const options = grid.lrs.map((lr) => [String(lr), plain(lr)]);
  return menu("Learning rate", options, String(page.rate()), (lr) => page.state.set({ at: Number(lr) }));
}

/** Return the positions of the learning rates that are looked at. */
export function rates(page) {
  const { grid } = page.setting();
  const { brush } = page.state.get();
  const every = grid.lrs.map((_, l) => l);
  if (!brush) return [grid.lrs.indexOf(page.rate())];
  return every.filter((l) => grid.lrs[l] >= brush[0] && grid.lrs[l] <= brush[1]);
}

/** Return by step the mean of a mode's trials, by geometric means where only positive values make sense, and their range. */
function overSteps(page, { steps, values, isLog }, norm, lrs) {
  const cells = page.cellsOf(norm, lrs).filter((cell) => page.setting().status[cell] !== 0);
  const [mean, low, high] = [[], [], []];
  const counts = [];
  steps.forEach((_, k) => {
    const known = cells.map((cell) => values[cell * steps.length + k]).filter((value) => Number.isFinite(value) && (!isLog || value > 0));
    counts.push(known.length);
    const sum = known.reduce((total, value) => total + (isLog ? Math.log(value) : value), 0) / known.length;
    mean.push(known.length ? (isLog ? Math.exp(sum) : sum) : NaN);
    low.push(known.length ? Math.min(...known) : NaN);
    high.push(known.length ? Math.max(...known) : NaN);
  });
  return { mean, low, high, counts };
}

function chart(page, { section, steps, title, unit, isLog }, lines, width) {
  const drawn = ({ mean, low, high }) => (lines.length <= MANY ? [...low, ...high] : mean);
  const range = extent(lines.flatMap(drawn), isLog);
  if (!range) return missing("No trial that is chosen has a value here.");
  const isLogarithmic = isLog && range[1] / range[0] > 3;
  const isFew = steps.length <= FEW_STEPS;
  const label = unit ? `${title} (${unit})` : title;
  const made = frame({
    width,
    height: 320,
    margin: { right: LABEL_ROOM },
    label: `${title} over the steps of training`,
    x: { domain: padded([steps[0], steps.at(-1)], false), label: "step" },
    y: { domain: padded(range, isLogarithmic), isLog: isLogarithmic, label },
  });
  for (const { norm, mean, low, high } of lines) {
    const { color, dash } = page.look(norm);
    const x = (k) => made.x.at(steps[k]);
    const around = pathAround(low.map((value, k) => [x(k), made.y.at(value), made.y.at(high[k])]));
    if (lines.length <= MANY) made.plot.append(shape("path", { d: around, fill: color, class: "band" }));
    const path = shape("path", { d: pathThrough(mean.map((value, k) => [x(k), made.y.at(value)])), stroke: color, "stroke-dasharray": dash, class: "line" });
    made.plot.append(path);
    page.hint(path, (event) => wordsOf({ steps, mean, norm, title }, nearest(made, steps, event)));
    if (isFew) made.plot.append(...dots(page, made, { steps, mean, norm, title }));
  }
  walkable(made.svg, page, section, lines.map(({ norm, mean }) => pointsOf(made, { steps, mean, norm, title })));
  const last = (mean) => made.y.at(mean.findLast((value) => Number.isFinite(value)));
  made.svg.append(...endLabels(made, lines.map(({ norm, mean }) => ({ ...page.look(norm), ...(isFew ? {} : { marker: null }), y: last(mean) }))));
  return element("figure", {}, made.svg);
}

/** Return the points of a line that have a value: where they are, and what they are in words. */
function pointsOf(made, line) {
  const places = [...line.steps.keys()].filter((k) => Number.isFinite(made.y.at(line.mean[k])));
  return places.map((k) => ({ x: made.x.at(line.steps[k]), y: made.y.at(line.mean[k]), words: wordsOf(line, k) }));
}

function dots(page, made, line) {
  const { color, marker: kind } = page.look(line.norm);
  return pointsOf(made, line).map(({ x, y, words }) => {
    const dot = marker(kind, x, y, 3.5, { fill: color });
    page.hint(dot, () => words);
    return dot;
  });
}

/** Return the position of the step that is nearest to the pointer. */
function nearest(made, steps, event) {
  const box = made.svg.getBoundingClientRect();
  const at = made.x.invert(((event.clientX - box.left) * made.svg.viewBox.baseVal.width) / box.width);
  return steps.reduce((best, step, place) => (Math.abs(step - at) < Math.abs(steps[best] - at) ? place : best), 0);
}

function wordsOf({ steps, mean, norm, title }, k) {
  return [norm, `step ${steps[k]}`, `${title} ${plain(mean[k])}`];
}

function told(page, { isLog }, lrs, lines) {
  const { grid } = page.setting();
  const where = lrs.length > 1 ? `lr ${plain(grid.lrs[lrs[0]])} to ${plain(grid.lrs[lrs.at(-1)])}` : `lr ${plain(grid.lrs[lrs[0]])}${page.state.get().at === null ? ", the best one for all modes together" : ""}`;
  const mean = isLog ? "geometric mean" : "mean";
  const left = lines.map(({ norm, counts }) => [norm, Math.max(...counts), counts.findLast((count) => count > 0) ?? 0]).filter(([, most, last]) => last < most);
  const fewer = left.length ? ` Trials that diverged, overflowed or are not positive drop out on the way: ${left.map(([norm, most, last]) => `${norm} ${last} of ${most}`).join(", ")} are left at the end.` : "";
  return element("p", { class: "note" }, `At ${where}: ${mean} over the trials that have a value at a step${lines.length <= MANY ? "; band: their range" : ""}.${fewer}`);
}
