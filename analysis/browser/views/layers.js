/** What was measured layer by layer: a line for each mode, from the first layer to the last. */

import { element, keepingFocus, menu, missing, shape } from "../drawing/elements.js";
import { LABEL_ROOM, endLabels, frame, pathThrough } from "../drawing/frame.js";
import { marker } from "../drawing/markers.js";
import { plain } from "../drawing/numbers.js";
import { extent, padded } from "../drawing/scales.js";
import { rateMenu, rates } from "./series.js";
import { walkable } from "./walking.js";

/** Draw the quantity chosen into a container, and anew with each change. */
export function layers(container, page) {
  const draw = () => keepingFocus(container, () => container.replaceChildren(...parts(page, container.clientWidth)));
  page.watch(["setting", "norms", "seeds", "init", "gain", "brush", "at", "layers"], draw, container);
}

function parts(page, width) {
  const all = page.setting().layered;
  if (!all.length) return [missing(page.setting().absent.layers)];
  const chosen = all.find(({ name }) => name === page.state.get().layers) ?? all[0];
  const quantity = menu("Quantity", all.map(({ name, title }) => [name, title]), chosen.name, (name) => page.state.set({ layers: name }));
  const lines = page.current().norms.map((norm) => ({ norm, values: medians(page, chosen, norm) }));
  const told = "Median over the trials chosen of each trial's median over steps. 0 is the layer next to the input.";
  return [element("div", { class: "choices" }, quantity, rateMenu(page)), chart(page, chosen, lines, width), element("p", { class: "note" }, told)];
}

function medians(page, { layers: names, values }, norm) {
  const cells = page.cellsOf(norm, rates(page));
  return names.map((_, k) => {
    const known = Float64Array.from(cells, (cell) => values[cell * names.length + k]).filter(Number.isFinite).sort();
    return known.length ? (known[(known.length - 1) >> 1] + known[known.length >> 1]) / 2 : NaN;
  });
}

/** Return at most so many layers that their numbers do not touch. */
function layerTicks(count) {
  const step = Math.ceil(count / 20);
  return Array.from({ length: Math.ceil(count / step) }, (_, k) => k * step);
}

function chart(page, { title, unit, isLog, layers: names }, lines, width) {
  const range = extent(lines.flatMap(({ values }) => values), isLog);
  if (!range) return missing("No trial that is chosen has a value here.");
  const label = unit ? `${title} (${unit})` : title;
  const made = frame({
    width,
    height: 300,
    margin: { right: LABEL_ROOM },
    label: `${title} by layer`,
    x: { domain: [-0.3, names.length - 0.7], label: "layer", ticks: layerTicks(names.length) },
    y: { domain: padded(range, isLog), isLog, label },
  });
  const points = lines.map(({ norm, values }) => {
    const { color, dash, marker: kind } = page.look(norm);
    const places = values.map((value, k) => [made.x.at(k), isLog && value <= 0 ? NaN : made.y.at(value)]);
    made.plot.append(shape("path", { d: pathThrough(places), stroke: color, "stroke-dasharray": dash, class: "line" }));
    const told = places.map(([x, y], k) => ({ x, y, words: [norm, `layer ${k}: ${names[k]}`, `${title} ${plain(values[k])}`] }));
    const known = told.filter(({ y }) => Number.isFinite(y));
    for (const { x, y, words } of known) {
      const dot = marker(kind, x, y, 4, { fill: color });
      page.hint(dot, () => words);
      made.plot.append(dot);
    }
    return known;
  });
  walkable(made.svg, page, "layers", points);
  const last = (values) => made.y.at(values.findLast((value) => Number.isFinite(value)));
  made.svg.append(...endLabels(made, lines.map(({ norm, values }) => ({ ...page.look(norm), y: last(values) }))));
  return element("figure", {}, made.svg);
}
