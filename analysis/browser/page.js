/** The interactive page: what is computed from the reader's choice, and the views that show it. */

import { cellMeans, overLines, withTrained } from "./data/means.js";
import { readPayload } from "./data/payload.js";
import { cellOf, cellOfKey, keyOf, settingOf } from "./data/setting.js";
import { isDark } from "./drawing/colours.js";
import { missing } from "./drawing/elements.js";
import { plain } from "./drawing/numbers.js";
import { ownThresholds, thresholds } from "./measures/bars.js";
import { prepare } from "./measures/grid.js";
import { differences, robustness } from "./measures/robustness.js";
import { checked } from "./state/checked.js";
import { createState } from "./state/state.js";
import { accuracy } from "./views/accuracy.js";
import { controls } from "./views/controls.js";
import { exploring } from "./views/exploring.js";
import { layers } from "./views/layers.js";
import { lead } from "./views/lead.js";
import { map } from "./views/map.js";
import { measures } from "./views/measures.js";
import { scatter } from "./views/scatter.js";
import { series } from "./views/series.js";
import { enhance } from "./views/table.js";
import { createTooltip } from "./views/tooltip.js";
import { trial } from "./views/trial.js";
import { trials } from "./views/trials.js";
import { createWatch } from "./views/watching.js";

const VIEWS = {
  controls,
  exploring,
  lead,
  map,
  accuracy,
  measures,
  training: series("training"),
  landscape: series("landscape"),
  shift: series("shift"),
  layers,
  scatter,
  trials,
  trial,
};

/** Read the data, and draw every view into the element that is marked with its name. */
async function start() {
  const data = document.getElementById("data");
  const page = createPage(await readPayload(data.textContent), data.dataset.command);
  data.remove();
  document.addEventListener("click", scrollTo);
  for (const [name, view] of Object.entries(VIEWS)) {
    for (const container of document.querySelectorAll(`[data-view="${name}"]`)) view(container, page);
  }
  document.querySelectorAll("table[data-name]").forEach((table) => enhance(table, table.dataset.name));
  document.documentElement.dataset.ready = "true";
}

/** Go to a place of the page without a change of its address, which holds what was chosen. */
function scrollTo(event) {
  const link = event.target.closest?.('a[href^="#"]');
  const place = link && document.getElementById(link.hash.slice(1));
  if (!place) return;
  event.preventDefault();
  for (let folded = place.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  place.scrollIntoView();
  place.setAttribute("tabindex", "-1");
  place.focus({ preventScroll: true });
}

function createPage(payload, command) {
  const { header } = payload;
  const state = createState((chosen) => checked(chosen, header));
  const settings = header.settings.map(() => null);
  const setting = () => {
    const index = header.settings[state.get().setting] ? state.get().setting : 0;
    settings[index] ??= settingOf(payload, index);
    return settings[index];
  };
  const tooltip = createTooltip(document.body, document.getElementById("live"));
  const page = { header, command, state, setting, colors: payload.array("colors"), hint: tooltip.hint, say: tooltip.say, places: new Map() };
  page.completed = header.statuses.indexOf("completed");
  page.watch = createWatch(state, (container) => whyNot(page, container));
  return Object.assign(page, lookups(page), selection(page));
}

/** Return why a view has nothing to draw in this setting; "" where it has. */
function whyNot(page, container) {
  if (!("scored" in container.dataset) || page.current().top > 0) return "";
  return `No trial of this setting says how good its model is: there is no ${page.header.score} to show.`;
}

/** What names stand for: how a mode looks, where a trial is. */
function lookups(page) {
  let opener = null;
  const keyed = (cell) => keyOf(page.setting(), cell);
  return {
    look: (norm) => {
      const { color, onDark, ...look } = page.header.looks[norm];
      return { ...look, color: isDark() ? onDark : color };
    },
    key: keyed,
    cell: (seed, norm, i, g, l) => {
      const { grid } = page.setting();
      return cellOf(grid, grid.seeds.indexOf(seed), grid.norms.indexOf(norm), i, g, l);
    },
    cellOf: ({ seed, norm, init, gain, lr }) => {
      const { grid } = page.setting();
      return page.cell(seed, norm, grid.inits.indexOf(init), grid.gains.indexOf(gain), grid.lrs.indexOf(lr));
    },
    cellOpen: () => (page.state.get().trial ? cellOfKey(page.setting(), page.state.get().trial) : -1),
    open: (cells) => {
      const first = cells.find((cell) => page.setting().status[cell] !== 0);
      if (first === undefined) return;
      opener = document.querySelector('[data-view="trial"]').contains(document.activeElement) ? opener : document.activeElement;
      page.state.set({ trial: keyed(first) });
      requestAnimationFrame(() => document.querySelector('[data-view="trial"] h2')?.focus());
    },
    close: () => {
      page.state.set({ trial: null });
      // a chart is drawn anew with each trial that is opened
      const again = opener?.isConnected ? opener : document.querySelector(`[data-name="${CSS.escape(opener?.dataset.name ?? "")}"]`);
      again?.focus({ preventScroll: true });
    },
  };
}

/** What is looked at: lines (an init and a gain each), cells, a learning rate; and what is computed of it. */
function selection(page) {
  const isLineChosen = (grid) => {
    const { init, gain } = page.state.get();
    return (i, g) => (init === null || grid.inits[i] === init) && (gain === null || grid.gains[g] === gain);
  };
  const lines = (grid) => {
    const isIn = isLineChosen(grid);
    const named = grid.inits.flatMap((init, i) => grid.gains.map((gain, g) => ({ i, g, name: nameOf(grid, init, gain) })));
    return named.filter(({ i, g }) => isIn(i, g)).reverse();
  };
  return {
    isLineChosen,
    lines,
    cellsOf: (norm, lrs) => {
      const { grid } = page.setting();
      return page.current().seeds.flatMap((seed) => lines(grid).flatMap(({ i, g }) => lrs.map((l) => page.cell(seed, norm, i, g, l))));
    },
    baseline: () => page.state.get().baseline ?? page.header.baseline,
    rate: () => {
      const { grid } = page.setting();
      const { at } = page.state.get();
      return grid.lrs.includes(at) ? at : bestForAll(page);
    },
    fillOf: (norm, measure, color) => {
      const row = page.current().differences.find((one) => one.norm === norm && one.measure === measure);
      return row && row.low <= 0 && row.high >= 0 ? { class: "hollow" } : { fill: color };
    },
    lineTitle: (name) => {
      const { inits, gains } = page.setting().grid;
      return inits.length === 1 ? `init gain ${name}` : gains.length === 1 ? name : `init and gain ${name}`;
    },
    current: createCurrent(page),
  };
}

function nameOf(grid, init, gain) {
  if (grid.inits.length === 1) return plain(gain);
  return grid.gains.length === 1 ? init : `${init} ${plain(gain)}`;
}

/** Return the learning rate at which the modes chosen are best together: the highest mean accuracy over them and their lines. */
function bestForAll(page) {
  const { grid } = page.setting();
  const { norms, means } = page.current();
  const curves = norms.map((norm) => overLines(grid, means.get(norm).accuracy, page.isLineChosen(grid)));
  const scores = grid.lrs.map((_, l) => curves.reduce((sum, curve) => sum + (curve[l] || 0), 0));
  return grid.lrs[scores.indexOf(Math.max(...scores))];
}

/** Return a function that computes what follows from the choice, once for each. */
function createCurrent(page) {
  let [prepared, means, preparedFor, known, knownFor] = [null, null, "", null, ""];
  return () => {
    const { setting, norms, seeds, fraction, bar } = page.state.get();
    const baseline = page.baseline();
    const chosen = JSON.stringify([setting, norms, seeds]);
    const asked = JSON.stringify([chosen, fraction, bar, baseline]);
    if (asked === knownFor) return known;
    const { grid } = page.setting();
    const selected = { norms: chosenOf(grid.norms, norms), seeds: chosenOf(grid.seeds, seeds) };
    if (chosen !== preparedFor) [prepared, means] = [prepare(grid, selected), meansWithRange(grid, selected)];
    [preparedFor, knownFor] = [chosen, asked];
    known = { ...selected, ...means, ...compute(page, grid, selected, prepared, means, { fraction, bar, baseline }) };
    return known;
  };
}

/** Return those of the chosen that there are, in the order of the grid; all where none is. */
function chosenOf(points, chosen) {
  const found = points.filter((point) => chosen === null || chosen.includes(point));
  return found.length ? found : points;
}

/** Return what hangs on no bar: the means of the cells, the best of them, and the best of any run. */
function meansWithRange(grid, { norms, seeds }) {
  const means = cellMeans(grid, norms, seeds);
  let [best, top] = [0, 0];
  for (const { accuracy: of, high } of means.values()) {
    for (const value of of) if (value > best) best = value;
    for (const value of high) if (value > top) top = value;
  }
  return { means, best: best || 1, top };
}

function compute(page, grid, { norms, seeds }, prepared, { means }, { fraction, bar, baseline }) {
  const bars = bar === "own" ? ownThresholds(prepared, fraction) : thresholds(prepared, fraction);
  const barOf = (n, s) => (bar === "own" ? bars[s * norms.length + n] : bars[s]);
  return {
    means: withTrained(grid, means, seeds, (norm, seed) => barOf(norms.indexOf(norm), seeds.indexOf(seed))),
    rows: robustness(prepared, { fraction, bar }),
    differences: norms.includes(baseline) ? differences(prepared, { fraction, bar, baseline }) : [],
  };
}

start().catch((error) => {
  document.querySelector('[data-view="lead"]').replaceChildren(missing(`The interactive part of this page failed: ${error.message}`));
  document.documentElement.dataset.failed = String(error.stack ?? error);
});
