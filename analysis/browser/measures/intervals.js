// Intervals for a mean over seeds: `analysis/statistics/intervals.py` and `spending.py`, which say why these.

import { countKnown, nanMax, nanMean, nanMin, sortedKnown } from "./nan_aware.js";
import { normalQuantileAt, studentQuantileAt } from "./quantiles.js";

/** The level of every interval that is shown. */
export const CONFIDENCE = 1 - 0.05 / 2;
/** Fewer seeds give no interval. */
export const MIN_SEEDS = 3;
/** Seeds whose numbers differ by less are taken to give the same. */
export const TIED = 1e-9;
const EARLY = { 3: 0.05, 4: 0.1 };

/**
 * @param {number} numSeeds
 * @returns {number} the share of the error that is spent at this number of seeds, so that seeds may be added.
 */
export function spent(numSeeds) {
  return EARLY[numSeeds] ?? 1 / Math.max(numSeeds, 1);
}

/** @returns {number} how many standard errors an interval reaches at this number of seeds. */
export function tQuantile(numSeeds, confidence) {
  return studentQuantileAt(Math.max(numSeeds - 1, 1), 1 - ((1 - confidence) * spent(numSeeds)) / 2);
}

/** @returns {number} how many standard deviations an interval reaches over an error whose spread is known. */
export function normalQuantile(confidence) {
  return normalQuantileAt((1 + confidence) / 2);
}

/**
 * @param {ArrayLike<number>} values one of each seed; NaN is left out
 * @returns {boolean} whether more than half of the seeds give the same number.
 */
export function areTied(values) {
  const ranked = sortedKnown(Float64Array.from(values));
  let [most, first] = [0, 0];
  for (let last = 1; last < ranked.length; last++) {
    while (first < last && !(ranked[last] - ranked[first] <= TIED)) first++;
    if (last > first) most = Math.max(most, last - first + 1);
  }
  return 2 * most > ranked.length;
}

/**
 * @param {ArrayLike<number>} values one of each seed; NaN is left out
 * @returns {number} the standard error of their mean; NaN with fewer than two.
 */
export function seedError(values) {
  const [count, mean] = [countKnown(values), nanMean(values)];
  if (count < 2) return NaN;
  const squares = nanMean(Array.from(values, (value) => (value - mean) ** 2));
  return Math.sqrt((squares * count) / (count - 1)) / Math.sqrt(count);
}

/**
 * Return an interval for the mean over seeds: Student's t, or where more than half of the seeds give the same number
 * that of Wilks. NaN with fewer than `MIN_SEEDS` seeds, and where seeds are equal and the values not bounded.
 * @param {ArrayLike<number>} values one of each seed; NaN is left out
 * @param {object} given
 * @param {ArrayLike<number>} given.smooth the same without the coarseness of the grid, by which spread is judged too
 * @param {number} given.gridSd standard deviation of what the grid leaves open of the mean
 * @param {number} given.least the least that any value can be
 * @param {number} given.most the most
 * @param {number} given.confidence the level
 * @returns {[number, number]} low and high
 */
export function seedInterval(values, { smooth = values, gridSd = 0, least, most, confidence = CONFIDENCE }) {
  const [count, mean] = [countKnown(values), nanMean(values)];
  if (count < MIN_SEEDS) return [NaN, NaN];
  const ofGrid = normalQuantile(confidence) * gridSd;
  let down;
  let up;
  if (areTied(smooth)) {
    const share = ((1 - confidence) / 2) ** (1 / count);
    down = Math.hypot(mean - nanMin(values) * share - least * (1 - share), ofGrid);
    up = Math.hypot(nanMax(values) * share + most * (1 - share) - mean, ofGrid);
  } else {
    const error = nanMax([seedError(values), seedError(smooth)]);
    down = up = Math.hypot(tQuantile(count, confidence) * error, ofGrid);
  }
  const [low, high] = [mean - down, mean + up];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [NaN, NaN];
  return [low, high].map((end) => Math.min(Math.max(end, least), most));
}

/**
 * Return an interval for a share of runs: Wilson's, or that over seeds where it reaches further. NaN with fewer than
 * `MIN_SEEDS` seeds.
 * @param {number} count of the runs that are meant
 * @param {number} total of all runs
 * @param {ArrayLike<number>} values the share of each seed
 * @returns {[number, number]} low and high
 */
export function shareInterval(count, total, values, confidence = CONFIDENCE) {
  if (countKnown(values) < MIN_SEEDS) return [NaN, NaN];
  const overSeeds = seedInterval(values, { least: 0, most: 1, confidence });
  const overRuns = wilson(count, Math.max(total, 1), confidence);
  return [Math.max(nanMin([overSeeds[0], overRuns[0]]), 0), Math.min(nanMax([overSeeds[1], overRuns[1]]), 1)];
}

/** Return Wilson's score interval for a share. */
function wilson(count, total, confidence) {
  const z = normalQuantile(confidence);
  const middle = (count + z ** 2 / 2) / (total + z ** 2);
  const reach = (z / (total + z ** 2)) * Math.sqrt((count * (total - count)) / total + z ** 2 / 4);
  return [middle - reach, middle + reach];
}
