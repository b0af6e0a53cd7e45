/** Choosing a range of learning rates by dragging along a chart: every view shows it. */

import { shape } from "../drawing/elements.js";

const CLICK = 4;

/** Show the range that is chosen on a chart over the learning rate, and let another be dragged. */
export function brushable(chart, page) {
  const { left, right, top, bottom } = chart.sides;
  const band = shape("rect", { class: "brush", y: top, height: bottom - top, x: left, width: 0 });
  const place = (from, to) => {
    band.setAttribute("x", Math.min(from, to));
    band.setAttribute("width", Math.abs(to - from));
  };
  const chosen = page.state.get().brush;
  if (chosen) place(...chosen.map((lr) => Math.max(left, Math.min(right, chart.x.at(lr)))));
  const ground = shape("rect", { class: "ground", x: left, y: top, width: right - left, height: bottom - top + 24 });
  let start = null;
  const at = (event) => {
    const box = chart.svg.getBoundingClientRect();
    return Math.max(left, Math.min(right, ((event.clientX - box.left) * chart.svg.viewBox.baseVal.width) / box.width));
  };
  ground.addEventListener("pointerdown", (event) => {
    start = at(event);
    ground.setPointerCapture(event.pointerId);
  });
  ground.addEventListener("pointermove", (event) => start !== null && place(start, at(event)));
  ground.addEventListener("pointerup", (event) => {
    const ends = [start, at(event)].sort((a, b) => a - b);
    start = null;
    page.state.set({ brush: ends[1] - ends[0] < CLICK ? null : ends.map((pixel) => Number(chart.x.invert(pixel).toPrecision(4))) });
  });
  chart.plot.append(ground, band);
}
