/** Choosing a range of tested learning rates by dragging over a chart: the views below show it. */

import { shape } from "../drawing/elements.js";

const CLICK = 5;

/** Show the range that is chosen on a chart over the learning rate, and let another be dragged; marks stay clickable. */
export function brushable(chart, page) {
  const { left, right, top, bottom } = chart.sides;
  const band = shape("rect", { class: "brush", y: top, height: bottom - top, x: left, width: 0 });
  const ground = shape("rect", { class: "ground", x: left, y: top, width: right - left, height: bottom - top + 24 });
  const place = (from, to) => {
    band.setAttribute("x", Math.min(from, to));
    band.setAttribute("width", Math.abs(to - from));
  };
  const { lrs } = page.setting().grid;
  const chosen = page.state.get().brush;
  const inside = (pixel) => Math.max(left, Math.min(right, pixel));
  if (chosen) place(inside(chart.x.at(chosen[0]) - CLICK), inside(chart.x.at(chosen[1]) + CLICK));
  const at = (event) => {
    const box = chart.svg.getBoundingClientRect();
    const scale = chart.svg.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  let start = null;
  let isDragging = false;
  chart.svg.addEventListener("pointerdown", (event) => {
    const [x, y] = at(event);
    if (event.button === 0 && x >= left && x <= right && y >= top && y <= bottom + 24) start = x;
  });
  chart.svg.addEventListener("pointermove", (event) => {
    const [x] = at(event);
    if (start === null || (!isDragging && Math.abs(x - start) < CLICK)) return;
    if (!isDragging) chart.svg.setPointerCapture(event.pointerId);
    isDragging = true;
    place(start, inside(x));
  });
  chart.svg.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const ends = [start, inside(at(event)[0])].sort((a, b) => a - b);
    const found = lrs.filter((lr) => chart.x.at(lr) >= ends[0] && chart.x.at(lr) <= ends[1]);
    if (isDragging) page.state.set({ brush: found.length ? [found[0], found.at(-1)] : null });
    else if (event.target === ground) page.state.set({ brush: null });
    [start, isDragging] = [null, false];
  });
  chart.svg.addEventListener("pointercancel", () => ([start, isDragging] = [null, false]));
  chart.plot.append(ground, band);
}
