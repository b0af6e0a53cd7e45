/** Every robustness measure of every mode, with its interval, and its difference from the baseline. */

import { element, keepingFocus, menu, missing, shape } from "../drawing/elements.js";
import { text } from "../drawing/frame.js";
import { decimalsOf, fixed, intervalText } from "../drawing/numbers.js";
import { extent, linearScale, padded } from "../drawing/scales.js";
import { enhance, tableOf } from "./table.js";
import { walkable } from "./walking.js";

const ROW = 30;

/** Draw the chosen measure into a container, and anew with each change. */
export function measures(container, page) {
  page.watch(["setting", "norms", "seeds", "fraction", "bar", "baseline", "measure"], () => {
    keepingFocus(container, () => {
      const about = page.header.measures.find(({ name }) => name === page.state.get().measure);
      const { rows, differences } = page.current();
      const own = rows.filter(({ measure }) => measure === about.name);
      const against = differences.filter(({ measure }) => measure === about.name);
      if (!own.some(({ value }) => Number.isFinite(value))) {
        return container.replaceChildren(choice(page), missing("It takes two learning rates with a result to measure this."));
      }
      const wide = container.clientWidth >= 760 && against.length ? Math.floor((container.clientWidth - 17) / 2) : container.clientWidth;
      const charts = [forest(page, own, own, about, wide, "each mode", null)];
      if (against.length) charts.push(forest(page, own, against, about, wide, `minus ${page.baseline()}`, 0));
      container.replaceChildren(choice(page), element("p", {}, about.meaning), element("div", { class: "side" }, charts), ...whyNone(page), table(page, about, own, against));
      const { fraction, bar } = page.state.get();
      const told = { fraction, bar, baseline: page.baseline(), "modes chosen": page.current().norms.join(" "), "seeds chosen": page.current().seeds.join(" ") };
      const suffix = page.state.isExploring() ? "-exploration" : "";
      enhance(container.querySelector("table"), `${page.header.name}-${about.name}${suffix}`, told);
    });
  }, container);
}

/** Return why there are no differences, where that can be mended. */
function whyNone(page) {
  const baseline = page.baseline();
  if (page.current().norms.includes(baseline) || !page.setting().grid.norms.includes(baseline)) return [];
  return [missing(`Nothing is compared with ${baseline}: it is not among the modes chosen above.`)];
}

function choice(page) {
  const present = new Set(page.current().rows.map(({ measure }) => measure));
  const options = page.header.measures.filter(({ name }) => present.has(name)).map(({ name, title }) => [name, title]);
  return menu("Measure", options, page.state.get().measure, (measure) => page.state.set({ measure }));
}

/** Return a chart with a line for each mode of `own`, so that those side by side have the same lines; `rows` are what it shows. */
function forest(page, own, rows, about, width, title, zero) {
  const height = 34 + ROW * own.length + 30;
  const [left, right] = [132, width - 14];
  const ends = rows.flatMap(({ value, low, high, gridLow, gridHigh }) => [value, low, high, gridLow, gridHigh]).filter(Number.isFinite);
  const x = linearScale(padded(extent([...ends, ...(zero === null ? [] : [zero])]) ?? [0, 1], false), [left, right]);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${about.title}, ${title}: the table below has the numbers` });
  svg.append(text(left, 16, `${about.title}, ${title}`, { class: "title" }));
  for (const tick of x.ticks) {
    svg.append(shape("line", { class: tick === zero ? "axis" : "grid", x1: x.at(tick), x2: x.at(tick), y1: 28, y2: height - 26 }));
    svg.append(text(x.at(tick), height - 10, x.text(tick), { class: "tick", "text-anchor": "middle" }));
  }
  const points = own.map(({ norm }, k) => {
    const y = 44 + ROW * k;
    svg.append(text(left - 10, y + 4, page.look(norm).name, { class: "mode", "text-anchor": "end" }));
    const row = rows.find((one) => one.norm === norm);
    if (!row && norm === page.baseline()) svg.append(text(x.at(zero) + 8, y + 4, "the others are compared with it", { class: "tick" }));
    return row && Number.isFinite(row.value) ? [estimateOf(page, svg, row, about, x, y, zero)] : [];
  });
  walkable(svg, page, `${about.name} ${title}`, points);
  return svg;
}

/** Draw the value of a mode with its interval and what the tested rates allow; return its point. */
function estimateOf(page, svg, row, about, x, y, zero) {
  const { color } = page.look(row.norm);
  const hasInterval = Number.isFinite(row.low);
  const grid = Number.isFinite(row.gridLow) ? shape("line", { x1: x.at(row.gridLow), x2: x.at(row.gridHigh), y1: y + 7, y2: y + 7, stroke: color, class: "open" }) : null;
  const line = hasInterval ? shape("line", { x1: x.at(row.low), x2: x.at(row.high), y1: y, y2: y, stroke: color, "stroke-width": 2.5 }) : null;
  const dot = shape("circle", { cx: x.at(row.value), cy: y, r: 5, stroke: color, "stroke-width": 2, ...(zero === null ? { fill: color } : page.fillOf(row.norm, about.name, color)) });
  const decimals = decimalsOf(about.unit);
  const interval = intervalText(row.low, row.high, decimals);
  const words = [row.norm, `${fixed(row.value, decimals, zero !== null)} ${about.unit}`, interval ? `interval ${interval}` : "no interval", grid && `the tested rates allow ${intervalText(row.gridLow, row.gridHigh, decimals)}`, `${row.nSeeds} seeds`].filter(Boolean);
  page.hint(dot, () => words);
  svg.append(...[grid, line, dot].filter(Boolean));
  return { x: x.at(row.value), y, words };
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
  const minus = `minus ${page.baseline()}`;
  const columns = ["value", "interval low", "interval high", "tested rates allow, least", "tested rates allow, most", minus, `${minus}, interval low`, `${minus}, interval high`, "seeds"].map((title) => ({ title }));
  return element("div", { class: "wide" }, tableOf(`${about.title} by mode`, [{ title: "norm", isText: true }, ...columns], lines));
}
