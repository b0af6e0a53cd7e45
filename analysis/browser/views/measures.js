/** Every robustness measure of every mode, with its interval, and its difference from the baseline. */

import { element, keepingFocus, menu, missing, shape } from "../drawing/elements.js";
import { text } from "../drawing/frame.js";
import { decimalsOf, fixed, intervalText } from "../drawing/numbers.js";
import { extent, linearScale, padded } from "../drawing/scales.js";
import { enhance, tableOf } from "./table.js";

const ROW = 30;

/** Draw the chosen measure into a container, and anew with each change. */
export function measures(container, page) {
  page.watch(["setting", "norms", "seeds", "fraction", "bar", "measure"], () => {
    keepingFocus(container, () => {
      const about = page.header.measures.find(({ name }) => name === page.state.get().measure);
      const { rows, differences } = page.current();
      const own = rows.filter(({ measure }) => measure === about.name);
      const against = differences.filter(({ measure }) => measure === about.name);
      if (!own.some(({ value }) => Number.isFinite(value))) {
        return container.replaceChildren(choice(page), missing("It takes two learning rates with a result to measure this."));
      }
      const wide = container.clientWidth >= 760 && against.length ? Math.floor((container.clientWidth - 17) / 2) : container.clientWidth;
      const charts = [forest(page, own, about, wide, `each mode`, null)];
      if (against.length) charts.push(forest(page, against, about, wide, `minus ${page.header.baseline}`, 0));
      container.replaceChildren(choice(page), element("p", {}, about.meaning), element("div", { class: "side" }, charts), table(page, about, own, against));
      const { fraction, bar } = page.state.get();
      const told = { fraction, bar, modes: page.current().norms.join(" "), seeds: page.current().seeds.join(" ") };
      const suffix = page.state.isExploring() ? "-exploration" : "";
      enhance(container.querySelector("table"), `${page.header.name}-${about.name}${suffix}`, told);
    });
  }, container);
}

function choice(page) {
  const present = new Set(page.current().rows.map(({ measure }) => measure));
  const options = page.header.measures.filter(({ name }) => present.has(name)).map(({ name, title }) => [name, title]);
  return menu("Measure", options, page.state.get().measure, (measure) => page.state.set({ measure }));
}

function forest(page, rows, about, width, title, zero) {
  const height = 34 + ROW * rows.length + 30;
  const [left, right] = [132, width - 14];
  const ends = rows.flatMap(({ value, low, high, gridLow, gridHigh }) => [value, low, high, gridLow, gridHigh]).filter(Number.isFinite);
  const x = linearScale(padded(extent([...ends, ...(zero === null ? [] : [zero])]) ?? [0, 1], false), [left, right]);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${about.title}, ${title}: the table below has the numbers` });
  svg.append(text(left, 16, `${about.title}, ${title}`, { class: "title" }));
  for (const tick of x.ticks) {
    svg.append(shape("line", { class: tick === zero ? "axis" : "grid", x1: x.at(tick), x2: x.at(tick), y1: 28, y2: height - 26 }));
    svg.append(text(x.at(tick), height - 10, x.text(tick), { class: "tick", "text-anchor": "middle" }));
  }
  rows.forEach((row, k) => svg.append(...estimateOf(page, row, about, x, 44 + ROW * k, left, zero)));
  return svg;
}

function estimateOf(page, row, about, x, y, left, zero) {
  const { name, color } = page.look(row.norm);
  const label = text(left - 10, y + 4, name, { class: "mode", "text-anchor": "end" });
  if (!Number.isFinite(row.value)) return [label];
  const hasInterval = Number.isFinite(row.low);
  const grid = Number.isFinite(row.gridLow) ? shape("line", { x1: x.at(row.gridLow), x2: x.at(row.gridHigh), y1: y + 7, y2: y + 7, stroke: color, class: "open" }) : null;
  const line = hasInterval ? shape("line", { x1: x.at(row.low), x2: x.at(row.high), y1: y, y2: y, stroke: color, "stroke-width": 2.5 }) : null;
  const dot = shape("circle", { cx: x.at(row.value), cy: y, r: 5, stroke: color, "stroke-width": 2, ...(zero === null ? { fill: color } : page.fillOf(row.norm, about.name, color)) });
  const decimals = decimalsOf(about.unit);
  page.hint(dot, () => [row.norm, `${fixed(row.value, decimals, zero !== null)} ${about.unit}`, intervalText(row.low, row.high, decimals) || "no interval", `${row.nSeeds} seeds`]);
  return [label, grid, line, dot].filter(Boolean);
}

function table(page, about, own, against) {
  const decimals = decimalsOf(about.unit);
  const number = (value, signed) => ({ text: fixed(value, decimals, signed), value: Number.isFinite(value) ? value : "" });
  const lines = own.map((row) => {
    const other = against.find(({ norm }) => norm === row.norm) ?? {};
    return [
      { text: row.norm, value: row.norm },
      ...[row.value, row.low, row.high, row.gridLow, row.gridHigh].map((value) => number(value)),
      ...[other.value, other.low, other.high].map((value) => number(value ?? NaN, true)),
      { text: String(row.nSeeds), value: row.nSeeds },
    ];
  });
  const minus = `minus ${page.header.baseline}`;
  const columns = ["value", "low", "high", "grid low", "grid high", minus, `${minus}, low`, `${minus}, high`, "seeds"].map((title) => ({ title }));
  return element("div", { class: "wide" }, tableOf(`${about.title} by mode`, [{ title: "norm", isText: true }, ...columns], lines));
}
