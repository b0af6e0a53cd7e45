/** One trial: what it was, how it ended, its curves, and the command that repeats it. */

import { keyOf, placeOf } from "../data/setting.js";
import { copyButton, element, shape } from "../drawing/elements.js";
import { frame, pathThrough } from "../drawing/frame.js";
import { fixed, plain } from "../drawing/numbers.js";
import { extent, padded } from "../drawing/scales.js";
import { walkable } from "./walking.js";

const MAX_CURVES = 6;

/** Show the trial that was opened in a container, and hide that where there is none. */
export function trial(container, page) {
  container.addEventListener("keydown", (event) => event.key === "Escape" && page.close());
  page.watch(["trial", "setting"], () => {
    const cell = page.cellOpen();
    container.hidden = cell < 0;
    if (cell >= 0) container.replaceChildren(...parts(page, cell));
  });
}

function parts(page, cell) {
  const setting = page.setting();
  const key = keyOf(setting, cell);
  const { norm, init, gain, lr, seed } = placeOf(setting.grid, cell);
  const status = page.header.statuses[setting.status[cell]];
  const facts = { norm, init, "init gain": plain(gain), lr: plain(lr), seed, ended: status, [page.header.score]: fixed(setting.grid.accuracy[cell], 4) };
  if (setting.label) facts.setting = setting.label;
  const close = element("button", { type: "button", class: "close", "aria-label": "Close the trial", click: () => page.close() }, "×");
  const list = Object.entries(facts).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))));
  const command = `${page.command} ${key}`;
  return [
    element("h2", { tabindex: -1 }, `Trial ${key}`),
    close,
    element("dl", {}, list),
    element("p", { class: "command" }, "To repeat it: ", element("code", {}, command), copyButton("Copy", () => command)),
    siblings(page, cell),
    element("div", { class: "curves" }, setting.series.filter(({ steps }) => steps.length > 1).slice(0, MAX_CURVES).map((one) => curve(page, one, cell))),
    setting.absent.unlogged && element("p", { class: "note" }, setting.absent.unlogged),
  ].filter(Boolean);
}

/** Return buttons for the other seeds of the same cell. */
function siblings(page, cell) {
  const { grid, status } = page.setting();
  const { norm, init, gain, lr, seed } = placeOf(grid, cell);
  const others = grid.seeds.filter((other) => other !== seed).map((other) => [other, page.cellOf({ seed: other, norm, init, gain, lr })]);
  const there = others.filter(([, place]) => status[place] !== 0);
  if (!there.length) return null;
  return element("p", {}, "Other seeds: ", there.map(([other, place]) => element("button", { type: "button", "aria-label": `The trial of seed ${other}`, click: () => page.open([place]) }, String(other))));
}

function curve(page, { steps, title, values, isLog }, cell) {
  const own = Array.from(steps, (_, k) => values[cell * steps.length + k]);
  const shown = own.map((value) => (isLog && value <= 0 ? NaN : value));
  const range = extent(shown);
  if (!range) return null;
  const isLogarithmic = isLog && range[1] / range[0] > 3;
  const made = frame({
    width: 330,
    height: 150,
    title,
    label: `${title} over the steps of this trial`,
    x: { domain: padded([steps[0], steps.at(-1)], false) },
    y: { domain: padded(range, isLogarithmic), isLog: isLogarithmic },
  });
  const { norm } = placeOf(page.setting().grid, cell);
  const points = shown.map((value, k) => ({ x: made.x.at(steps[k]), y: made.y.at(value), words: [`step ${steps[k]}`, `${title} ${plain(value)}`] }));
  made.plot.append(shape("path", { d: pathThrough(points.map(({ x, y }) => [x, y])), stroke: page.look(norm).color, class: "line" }));
  walkable(made.svg, page, `trial ${title}`, [points.filter(({ y }) => Number.isFinite(y))]);
  return element("figure", {}, made.svg);
}
