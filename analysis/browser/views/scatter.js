/** What goes with accuracy: a point for each trial, by a quantity that was measured on its way. */

import { placeOf } from "../data/setting.js";
import { element, keepingFocus, menu, missing } from "../drawing/elements.js";
import { LABEL_ROOM, frame, text } from "../drawing/frame.js";
import { marker } from "../drawing/markers.js";
import { fixed, plain } from "../drawing/numbers.js";
import { extent, padded } from "../drawing/scales.js";
import { walkable } from "./walking.js";

/** Draw the points into a container, and anew with each change. */
export function scatter(container, page) {
  const draw = () => keepingFocus(container, () => container.replaceChildren(...parts(page, container.clientWidth)));
  page.watch(["setting", "norms", "seeds", "init", "gain", "brush", "against", "trial"], draw, container);
}

function parts(page, width) {
  const all = page.setting().scalars;
  if (!all.length) return [missing(page.setting().absent.scalars)];
  const chosen = all.find(({ name }) => name === page.state.get().against) ?? all[0];
  const quantity = menu("Quantity", all.map(({ name, title }) => [name, title]), chosen.name, (name) => page.state.set({ against: name }));
  const told = "Trials that trained to their end. Faint: outside the learning rates that were chosen by dragging. Click a point to see its trial.";
  return [quantity, chart(page, chosen, width), element("p", { class: "note" }, told)];
}

function chart(page, { title, unit, isLog, values }, width) {
  const { grid, status } = page.setting();
  const every = grid.lrs.map((_, l) => l);
  const cells = page.current().norms.flatMap((norm) => page.cellsOf(norm, every));
  const shown = cells.filter((cell) => status[cell] === page.completed && Number.isFinite(grid.accuracy[cell]) && Number.isFinite(values[cell]) && (!isLog || values[cell] > 0));
  const range = extent(shown.map((cell) => values[cell]));
  if (!range) return missing("No trial that is chosen has a value here.");
  const label = unit ? `${title} (${unit})` : title;
  const made = frame({
    width,
    height: 340,
    label: `${page.header.score} over ${title}, a point for each trial`,
    x: { domain: padded(range, isLog), isLog, label },
    y: { domain: [0, Math.max(page.current().top, 0.05) * 1.04], label: page.header.score },
    margin: { right: LABEL_ROOM },
  });
  made.svg.append(...legend(page, made));
  const { brush, trial } = page.state.get();
  const points = new Map(page.current().norms.map((one) => [one, []]));
  for (const cell of shown) {
    const { norm, lr, gain, seed } = placeOf(grid, cell);
    const isOutside = brush && (lr < brush[0] || lr > brush[1]);
    const isOpen = trial === page.key(cell);
    const { color, marker: kind } = page.look(norm);
    const look = { fill: color, class: isOutside ? "point faint" : "point" };
    const [x, y] = [made.x.at(values[cell]), made.y.at(grid.accuracy[cell])];
    const point = marker(kind, x, y, isOpen ? 7 : 3.4, look);
    const words = [norm, `lr ${plain(lr)}, gain ${plain(gain)}, seed ${seed}`, `${title} ${plain(values[cell])}`, `${page.header.score} ${fixed(grid.accuracy[cell], 3)}`];
    page.hint(point, () => words);
    point.addEventListener("click", () => page.open([cell]));
    made.plot.append(point);
    points.get(norm).push({ x, y, words, cells: [cell] });
  }
  walkable(made.svg, page, "scatter", [...points.values()].map((some) => some.sort((one, other) => one.x - other.x)));
  return element("figure", {}, made.svg);
}

function legend(page, made) {
  return page.current().norms.flatMap((norm, k) => {
    const { name, color, marker: kind } = page.look(norm);
    const [x, y] = [made.sides.right + 16, made.sides.top + 10 + 17 * k];
    return [marker(kind, x, y, 4, { fill: color }), text(x + 12, y + 4, name, { class: "tick" })];
  });
}
