/** The marks of the modes: the same shapes as in the figures for a paper, so that colour alone tells nothing. */

import { shape } from "./elements.js";

const CORNERS = { s: [4, 45], D: [4, 0], "^": [3, -90], v: [3, 90], "<": [3, 180], ">": [3, 0], p: [5, -90], h: [6, -90] };

/** Return the mark of a mode with its middle at (x, y), about as large as a circle of radius r. */
export function marker(kind, x, y, r, attributes = {}) {
  if (kind === "o" || !(kind in CORNERS || "XP*d".includes(kind))) return shape("circle", { cx: x, cy: y, r, ...attributes });
  return shape("path", { d: outline(kind, x, y, r * 1.25), ...attributes });
}

function outline(kind, x, y, r) {
  if (kind === "d") return polygon([[0, -r], [0.6 * r, 0], [0, r], [-0.6 * r, 0]], x, y);
  if (kind === "*") return polygon(around(10, -90, (k) => (k % 2 ? 0.45 * r : r)), x, y);
  if (kind === "X" || kind === "P") return polygon(cross(r, kind === "X" ? 45 : 0), x, y);
  const [corners, turned] = CORNERS[kind];
  return polygon(around(corners, turned, () => r), x, y);
}

function around(corners, turned, radius) {
  return Array.from({ length: corners }, (_, k) => {
    const angle = ((turned + (360 * k) / corners) * Math.PI) / 180;
    return [radius(k) * Math.cos(angle), radius(k) * Math.sin(angle)];
  });
}

function cross(r, turned) {
  const w = r / 3;
  const corners = [[w, -r], [w, -w], [r, -w], [r, w], [w, w], [w, r], [-w, r], [-w, w], [-r, w], [-r, -w], [-w, -w], [-w, -r]];
  const [cos, sin] = [Math.cos((turned * Math.PI) / 180), Math.sin((turned * Math.PI) / 180)];
  return corners.map(([a, b]) => [a * cos - b * sin, a * sin + b * cos]);
}

function polygon(corners, x, y) {
  return `M${corners.map(([a, b]) => `${(x + a).toFixed(1)} ${(y + b).toFixed(1)}`).join("L")}Z`;
}
