/** The frame of a chart: axes, ticks, grid lines and labels, in SVG. */

import { shape } from "./elements.js";
import { marker } from "./markers.js";
import { linearScale, logScale } from "./scales.js";

/**
 * @param {object} options width and height in pixels; x and y: {domain, isLog, label, ticks}; title; label: what a screen
 *   reader says of the chart; margin
 * @returns {object} the svg, the group that marks go into, and the scales x and y
 */
export function frame({ width, height, x, y, title = "", label = "", margin = {} }) {
  const space = { top: title ? 22 : 8, right: 12, bottom: x.label ? 40 : 24, left: y.label ? 56 : 42, ...margin };
  const sides = { left: space.left, right: width - space.right, top: space.top, bottom: height - space.bottom };
  const scales = { x: scaleOf(x, [sides.left, sides.right]), y: scaleOf(y, [sides.bottom, sides.top]) };
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
  svg.append(...verticalAxis(scales.y, sides));
  svg.append(...horizontalAxis(scales.x, sides));
  if (x.label) svg.append(text((sides.left + sides.right) / 2, height - 6, x.label, { class: "label", "text-anchor": "middle" }));
  if (y.label) svg.append(sideways(14, (sides.top + sides.bottom) / 2, y.label));
  if (title) svg.append(text(sides.left, 14, title, { class: "title" }));
  const plot = shape("g", { class: "plot" });
  svg.append(plot);
  return { svg, plot, sides, ...scales };
}

function scaleOf(axis, range) {
  const scale = (axis.isLog ? logScale : linearScale)(axis.domain, range);
  return axis.ticks ? { ...scale, ticks: axis.ticks } : scale;
}

function verticalAxis(scale, { left, right }) {
  return scale.ticks.flatMap((tick) => [
    shape("line", { class: "grid", x1: left, x2: right, y1: scale.at(tick), y2: scale.at(tick) }),
    text(left - 6, scale.at(tick) + 4, scale.text(tick), { class: "tick", "text-anchor": "end" }),
  ]);
}

function horizontalAxis(scale, { left, right, bottom }) {
  const line = shape("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom });
  const ticks = scale.ticks.flatMap((tick) => [
    shape("line", { class: "axis", x1: scale.at(tick), x2: scale.at(tick), y1: bottom, y2: bottom + 4 }),
    text(scale.at(tick), bottom + 17, scale.text(tick), { class: "tick", "text-anchor": "middle" }),
  ]);
  return [line, ...ticks];
}

/** Return a text at a place. */
export function text(x, y, words, attributes = {}) {
  return shape("text", { x, y, ...attributes }, words);
}

function sideways(x, y, words) {
  return text(x, y, words, { class: "label", "text-anchor": "middle", transform: `rotate(-90 ${x} ${y})` });
}

const LABEL_HEIGHT = 13;

/**
 * Return the name of each line beside its last point, moved apart where they would touch.
 *
 * @param {object} made a chart that `frame` made, with a margin at the right
 * @param {{name: string, color: string, dash: string, marker?: string, y: number}[]} lines marker: where the line has such; y in pixels; not finite where there is no last point
 * @param {boolean} areLinked whether a stroke leads from y to the name, else it only shows the colour
 */
export function endLabels(made, lines, areLinked = true) {
  const { top, bottom, right } = made.sides;
  const known = lines.filter(({ y }) => Number.isFinite(y)).sort((one, other) => one.y - other.y);
  const places = known.map(({ y }) => Math.max(top + 6, Math.min(bottom, y)));
  for (let k = 1; k < places.length; k++) places[k] = Math.max(places[k], places[k - 1] + LABEL_HEIGHT);
  const over = Math.max(0, (places.at(-1) ?? 0) - bottom);
  for (let k = places.length - 1; k >= 0; k--) {
    const most = k === places.length - 1 ? places[k] - over : places[k + 1] - LABEL_HEIGHT;
    places[k] = Math.min(places[k], most);
  }
  return known.flatMap(({ name, color, dash, marker: kind, y }, k) => [
    areLinked && shape("line", { x1: right + 1, x2: right + 8, y1: y, y2: places[k], stroke: color, class: "leader" }),
    shape("line", { x1: right + 8, x2: right + 26, y1: places[k], y2: places[k], stroke: color, "stroke-dasharray": dash, "stroke-width": 2.2 }),
    kind && marker(kind, right + 17, places[k], 3.2, { fill: color }),
    text(right + 29, places[k] + 4, name, { class: "tick" }),
  ].filter(Boolean));
}

/** How much room the names of lines take at the right of a chart. */
export const LABEL_ROOM = 106;

/** Return the path through points [x, y] in pixels; it breaks where one is not finite. */
export function pathThrough(points) {
  let path = "";
  let run = 0;
  for (const [x, y] of [...points, [NaN, NaN]]) {
    if (Number.isFinite(x) && Number.isFinite(y)) path += `${run++ ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    else {
      if (run === 1) path += "h0.1"; // a point without neighbours is drawn as a dot
      run = 0;
    }
  }
  return path;
}

/** Return the path around a band: [x, low, high] in pixels, one piece for each run of known points. */
export function pathAround(points) {
  let path = "";
  let run = [];
  for (const point of [...points, [NaN, NaN, NaN]]) {
    if (point.every(Number.isFinite)) {
      run.push(point);
      continue;
    }
    if (run.length > 1) {
      const there = run.map(([x, low]) => `${x.toFixed(1)} ${low.toFixed(1)}`);
      const back = run.reverse().map(([x, , high]) => `${x.toFixed(1)} ${high.toFixed(1)}`);
      path += `M${[...there, ...back].join("L")}Z`;
    }
    run = [];
  }
  return path;
}
