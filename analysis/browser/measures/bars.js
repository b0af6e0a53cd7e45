// From which accuracy on a run trains: a fraction of the best of any chosen mode with the seed, or of the mode's own.

import { FRACTION, threshold } from "./curves.js";

/**
 * The accuracies by which runs are judged, by seed of the runs.
 * @typedef {object} Bars
 * @property {Float64Array} threshold from which on a run trains
 * @property {Float64Array} ownThreshold the same by the mode's own best
 * @property {Float64Array} best the best accuracy of any mode
 */

/**
 * @param {Selection} selection
 * @param {number} fraction of the best
 * @returns {Float64Array} by chosen seed the accuracy from which on a run trains, by the best of any chosen mode.
 */
export function thresholds(selection, fraction = FRACTION) {
  return selection.bestOfAny.map((best) => threshold(best, selection.grid.chance, fraction));
}

/**
 * @param {Selection} selection
 * @param {number} fraction of the best
 * @returns {Float64Array} the same by each mode's own best, shape SN over the chosen.
 */
export function ownThresholds(selection, fraction = FRACTION) {
  return selection.best.map((best) => threshold(best, selection.grid.chance, fraction));
}

/**
 * @param {Selection} selection
 * @param {number[]} seeds positions among the chosen seeds
 * @param {number} n position of the mode among the chosen
 * @param {number[]} others positions of the modes whose best is meant, this one among them
 * @param {{fraction: number, bar: "any" | "own"}} judged
 * @returns {Bars}
 */
export function barsOf({ grid, norms, best }, seeds, n, others, { fraction, bar }) {
  if (bar !== "any" && bar !== "own") throw new RangeError(`bar: got ${bar}; allowed: any, own`);
  const bestOf = (s, k) => best[s * norms.length + k];
  const bestOfAny = Float64Array.from(seeds, (s) => Math.max(...others.map((k) => bestOf(s, k))));
  const ownThreshold = Float64Array.from(seeds, (s) => threshold(bestOf(s, n), grid.chance, fraction));
  const ofAny = bestOfAny.map((accuracy) => threshold(accuracy, grid.chance, fraction));
  return { threshold: bar === "own" ? ownThreshold : ofAny, ownThreshold, best: bestOfAny };
}
