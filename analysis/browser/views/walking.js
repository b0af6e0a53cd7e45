/** Reading the points of a chart by keyboard: a ring shows which, and its words are said. */

import { shape } from "../drawing/elements.js";

/** By key how far along a line, and how many lines on. */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], Home: [-Infinity, 0], End: [Infinity, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Let the points of a chart be reached by the arrow keys: along a line, and from one line to the nearest point of the next.
 *
 * @param {SVGElement} svg the chart
 * @param {object} page keeps where a chart was read when it is drawn anew
 * @param {string} name of the chart, of its own on the page
 * @param {{x: number, y: number, words: string[], cells?: number[]}[][]} lines by line its points in the order in which they are
 *   read: where they are in the chart, what is said of them, and the trials of which Enter opens the first
 */
export function walkable(svg, page, name, lines) {
  const known = lines.filter((points) => points.length);
  if (!known.length) return;
  const opens = known.some((points) => points.some(({ cells }) => cells));
  const help = `Arrow keys read its points${opens ? ", Enter opens a trial" : ""}.`;
  const told = { tabindex: 0, role: "application", "aria-roledescription": "chart", "data-name": `chart ${name}` };
  for (const [key, value] of Object.entries(told)) svg.setAttribute(key, value);
  svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")}. ${help}`);
  const ring = shape("circle", { class: "here", r: 8, visibility: "hidden" });
  svg.append(ring);
  const show = (at) => {
    page.places.set(name, at);
    const { x, y, words } = known[at.line][at.point];
    for (const [key, value] of Object.entries({ cx: x, cy: y, visibility: "visible" })) ring.setAttribute(key, value);
    page.say(words.join(", "), ring, svg);
  };
  svg.addEventListener("keydown", (event) => {
    const at = inside(known, page.places.get(name));
    if (event.key in STEPS) show(at ? moved(known, at, STEPS[event.key]) : { line: 0, point: 0 });
    else if (event.key === "Enter" && at && known[at.line][at.point].cells) page.open(known[at.line][at.point].cells);
    else return;
    event.preventDefault();
  });
  svg.addEventListener("blur", () => ring.setAttribute("visibility", "hidden"));
}

/** Return a place where there is one still; null before the first key. */
function inside(lines, at) {
  return at && lines[at.line]?.[at.point] ? at : null;
}

function moved(lines, { line, point }, [along, on]) {
  const clamped = (place, many) => Math.max(0, Math.min(many - 1, place));
  const next = clamped(line + on, lines.length);
  if (next === line) return { line, point: clamped(point + along, lines[line].length) };
  const away = lines[next].map(({ x }) => Math.abs(x - lines[line][point].x));
  return { line: next, point: away.indexOf(Math.min(...away)) };
}
