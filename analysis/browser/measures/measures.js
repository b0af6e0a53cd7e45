// Every robustness measure by name, in Python's order: `analysis/measures/__init__.py` says what each means.

import { meanAccuracy, reaches, trainableDecades } from "./curves.js";
import { atCommonLrs } from "./grid.js";
import { topOf, withHidden } from "./hidden.js";
import { once, recently } from "./nan_aware.js";
import { lowestCurve, overCurves } from "./pooled_curves.js";
import { bestAccuracy, divergenceRate, expectedBest, gainSensitivity, interquartileMean } from "./runs.js";
import { log10BestLr, lrSensitivity, meanCurves, trainedInits, trainedShare, tuningGain } from "./runs.js";

/**
 * A robustness measure. One of `compute`, the same whatever the bar; `judge`, which rests on it; and `grid`, which also
 * tells what the tested learning rates leave open, those included that a search has added. One with a `top` is read off at the best learning rate: it returns
 * the curves whose best that is, shape S,K,L.
 * @typedef {object} Measure
 * @property {string} unit
 * @property {"t" | "wilson" | null} interval null where no method was found that covers
 * @property {(runs: Runs) => Float64Array} [compute] by seed
 * @property {(runs: Runs, bars: Bars) => Float64Array} [judge] by seed
 * @property {(runs: Runs, bars: Bars) => Measured} [grid] by seed
 * @property {(runs: Runs) => Float64Array} [top]
 * @property {number} [minInits] how many inits and gains it takes
 * @property {number} [minGains]
 */

/** @type {Record<string, Measure>} */
export const MEASURES = {
  mean_accuracy: { unit: "accuracy", interval: "t", grid: (runs, bars) => overCurves(areas(runs, bars), runs.numCurves) },
  trainable_decades: { unit: "decades", interval: "t", grid: (runs, bars) => decades(runs, bars.threshold) },
  own_decades: { unit: "decades", interval: "t", grid: (runs, bars) => decades(runs, bars.ownThreshold) },
  divergence_rate: { unit: "share", interval: "wilson", compute: divergenceRate },
  trained_share: { unit: "share", interval: "t", judge: (runs, bars) => trainedShare(runs, bars.threshold) },
  lr_sensitivity: { unit: "loss", interval: "t", compute: lrSensitivity },
  interquartile_mean: { unit: "accuracy", interval: "t", compute: interquartileMean },
  best_accuracy: { unit: "accuracy", interval: "t", compute: bestAccuracy, top: (runs) => runs.accuracy },
  expected_best: { unit: "accuracy", interval: "t", compute: expectedBest },
  log10_best_lr: { unit: "decades", interval: null, judge: (runs, bars) => log10BestLr(runs, bars.threshold) },
  worst_init: {
    unit: "accuracy",
    interval: "t",
    grid: (runs, bars) => lowestCurve(areas(runs, bars), runs.numCurves),
    minInits: 2,
  },
  trained_inits: {
    unit: "share",
    interval: "t",
    judge: (runs, bars) => trainedInits(runs, bars.threshold),
    top: meanCurves,
    minInits: 2,
  },
  gain_sensitivity: { unit: "accuracy", interval: null, compute: gainSensitivity, minGains: 2 },
  tuning_gain: { unit: "accuracy", interval: null, compute: tuningGain, minInits: 2 },
};

/** Return the names of the measures that a selection has enough inits and gains for. */
export function measuresFor({ numInits, numGains }) {
  return Object.keys(MEASURES).filter((name) => {
    const { minInits = 1, minGains = 1 } = MEASURES[name];
    return numInits * numGains >= minInits && numGains >= minGains;
  });
}

/** Return the most that a measure can be, at least 0; between it and minus it every difference lies. */
export function maxValue({ unit }, lrs) {
  if (unit === "decades") return Math.log10(lrs.at(-1) / lrs[0]);
  return unit === "loss" ? Infinity : 1;
}

/**
 * @param {Runs} runs
 * @param {Bars} bars
 * @param {string} name of the measure
 * @returns {Measured} by seed
 */
export function measuredOf(runs, bars, name) {
  const { compute, judge, grid } = MEASURES[name];
  if (grid) return grid(runs, bars);
  const common = atCommonLrs(runs);
  const value = compute ? once(common.memo, name, () => compute(common)) : judge(common, bars);
  return { value, low: value, high: value, gridSd: new Float64Array(value.length), smooth: value };
}

/** Return what the best of these runs, as the measure means it, shows of itself over all seeds; null if it has none. */
export function topFor(runs, name) {
  const { top } = MEASURES[name];
  const { memo, logLrs, seeds, chance } = atCommonLrs(runs);
  return top ? once(memo, `top of ${name}`, () => topOf(top(atCommonLrs(runs)), logLrs, seeds.length, chance)) : null;
}

/** Return the mean accuracy of every curve, with the error of a plateau as high as the best of any mode. */
function areas(runs, bars) {
  const range = runs.logLrs.at(-1) - runs.logLrs[0];
  const measured = once(runs.memo, "areas", () => meanAccuracy(runs.gaps, range));
  const { peak, isSeen, widest, spanned } = runs.tops;
  const most = Math.max(spanned.reduce((a, b) => Math.max(a, b), 0), 1e-9);
  const height = (k) => (isSeen[k] ? 0 : bars.best[Math.floor(k / runs.numCurves)] - peak[k]);
  return withHidden(measured, (k) => (height(k) / most) * widest[k]);
}

/** Return over how many decades each seed trains, mean over its curves, with what may hide of a curve that does not. */
function decades(runs, bars) {
  return recently(runs.memo, `decades ${bars.join()}`, () => {
    const { peak, isSeen, widest } = runs.tops;
    const isThere = (k) => isSeen[k] || reaches(peak[k], bars[Math.floor(k / runs.numCurves)]);
    const measured = trainableDecades(runs.gaps, bars, runs.numCurves);
    return overCurves(withHidden(measured, (k) => (isThere(k) ? 0 : widest[k])), runs.numCurves);
  });
}
