// The robustness of each chosen mode, and its difference from a baseline: the rows that pool all inits and gains of
// Python's `robustness_table` and `difference_table` on the chosen modes and seeds.

import { barsOf } from "./bars.js";
import { FRACTION } from "./curves.js";
import { atCommonLrs, runsOfMode, runsOfPair } from "./grid.js";
import { topMayHide } from "./hidden.js";
import { seedInterval, shareInterval } from "./intervals.js";
import { MEASURES, maxValue, measuredOf, measuresFor, topFor } from "./measures.js";
import { countKnown, nanMean, once } from "./nan_aware.js";
import { reachesEnd } from "./pooled_curves.js";

/**
 * A row: the mean over seeds, its interval with what the grid leaves open, and that alone; NaN where there is none.
 * @typedef {object} Row
 * @property {string} norm
 * @property {string} [baseline] of a difference
 * @property {string} measure
 * @property {number} value
 * @property {number} low
 * @property {number} high
 * @property {number} gridLow
 * @property {number} gridHigh
 * @property {number} nSeeds that give a value
 * @property {number[]} bySeed the value of each chosen seed, in their order; NaN where it does not count
 * @property {boolean} [atLeast] the width runs into an end of the tested range
 * @property {number} [nTrials]
 * @property {number} [nDiverged]
 */

/**
 * @param {Selection} selection of `prepare`
 * @param {{fraction?: number, bar?: "any" | "own"}} judged a run trains from this fraction on of the best of any chosen
 *   mode with the seed, or of its own mode's best
 * @returns {Row[]} every measure of each chosen mode; a mode without a curve of accuracy over lr has no rows.
 */
export function robustness(selection, { fraction = FRACTION, bar = "any" } = {}) {
  const all = [...selection.norms.keys()];
  return all.flatMap((n) => {
    const runs = runsOfMode(selection, n);
    if (!runs) return [];
    const bars = barsOf(selection, runs.seeds, n, all, { fraction, bar });
    const isAtLeast = reachesEnd(runs.gaps, bars.threshold, runs.numCurves);
    const counts = countsOf(runs);
    return measuresFor(selection).map((name) => ({
      norm: selection.norms[n],
      ...rowOf(selection, name, runs, measuredOf(runs, bars, name), { refused: isRefused(name, [runs]), counts }),
      atLeast: isAtLeast && MEASURES[name].unit === "decades" && "grid" in MEASURES[name],
      ...counts,
    }));
  });
}

/**
 * @param {Selection} selection of `prepare`
 * @param {{fraction?: number, bar?: "any" | "own", baseline: string}} judged as above, by the best of the two; the mode
 *   that the others are compared with
 * @returns {Row[]} each chosen mode less the baseline, paired by seed, on what both have; none where that is nothing, or
 *   the baseline was not chosen.
 */
export function differences(selection, { fraction = FRACTION, bar = "any", baseline }) {
  const base = selection.norms.indexOf(baseline);
  const others = [...selection.norms.keys()].filter((n) => base >= 0 && n !== base);
  return others.flatMap((n) => {
    const pair = runsOfPair(selection, n, base);
    if (!pair) return [];
    const bars = [n, base].map((k) => barsOf(selection, pair[0].seeds, k, [n, base], { fraction, bar }));
    return measuresFor(selection).map((name) => {
      const [one, other] = pair.map((runs, k) => measuredOf(runs, bars[k], name));
      const refused = isRefused(name, pair);
      return { norm: selection.norms[n], baseline, ...rowOf(selection, name, pair[0], minus(one, other), { refused }) };
    });
  });
}

/** Return how many trials a mode has at the learning rates of all modes, and how many of them diverged. */
function countsOf(runs) {
  const { diverged } = atCommonLrs(runs);
  return once(runs.memo, "counts", () => ({
    nTrials: countKnown(diverged),
    nDiverged: diverged.reduce((total, hasDiverged) => total + (hasDiverged || 0), 0),
  }));
}

/** Return the columns of a measure of one mode, whose counts are given, or of a difference. */
function rowOf(selection, name, runs, measured, { refused, counts }) {
  const measure = MEASURES[name];
  const most = maxValue(measure, runs.lrs);
  const { value, smooth } = measured;
  const bounds = { smooth, gridSd: nanMean(measured.gridSd), least: counts ? 0 : -most, most };
  let [low, high] = [NaN, NaN];
  if (measure.interval === "wilson" && counts) [low, high] = shareInterval(counts.nDiverged, counts.nTrials, value);
  else if (measure.interval && !refused) [low, high] = seedInterval(value, bounds);
  const [gridLow, gridHigh] = measure.grid ? [nanMean(measured.low), nanMean(measured.high)] : [NaN, NaN];
  const bySeed = selection.seeds.map((_, s) => value[runs.seeds.indexOf(s)] ?? NaN);
  return { measure: name, value: nanMean(value), low, high, gridLow, gridHigh, nSeeds: countKnown(value), bySeed };
}

/** Return whether the best of one of these modes may lie between two tested rates, where the measure is read off it. */
function isRefused(name, modes) {
  const tops = modes.map((runs) => topFor(runs, name));
  return tops.some((top, k) => top && topMayHide(top, tops[1 - k] ?? null, modes[0].chance));
}

/** Return one mode less another, with what is open of either. */
function minus(one, other) {
  const combine = (a, b, both) => a.map((value, s) => both(value, b[s]));
  const less = (a, b) => a - b;
  return {
    value: combine(one.value, other.value, less),
    low: combine(one.low, other.high, less),
    high: combine(one.high, other.low, less),
    gridSd: combine(one.gridSd, other.gridSd, Math.hypot),
    smooth: combine(one.smooth, other.smooth, less),
  };
}
