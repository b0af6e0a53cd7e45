// Measures of all the runs of one seed: over learning rates, initializations and gains; `analysis/measures/runs.py`.
//
// Each takes the runs of a mode and returns one number for each seed, shape S; NaN where there is no result. Every run
// counts, diverged or not. What rests on neither fraction nor bar is kept with the runs.

import { gapsOf, reaches } from "./curves.js";
import { meanOverFirst } from "./hidden.js";
import { nanMax, nanMean, nanMin, once, sortedKnown } from "./nan_aware.js";
import { ofSeed } from "./pooled_curves.js";
import { drawsOf, meanOverScales } from "./scales.js";

/** Runs of the small search that `expectedBest` stands for. */
export const TRIES = 5;
const TRIM = 0.25;

/** Return what `compute` makes of each seed's position, shape S. */
function bySeed(runs, compute) {
  return Float64Array.from(runs.seeds, (_, s) => compute(s));
}

/** Return the values of one seed, shape C,L. */
function runsOfSeed(runs, values, s) {
  return ofSeed(values, s, runs.numCurves * runs.lrs.length);
}

/** Return the share of the runs that reach the bar of their seed. */
export function trainedShare(runs, bars) {
  const sorted = sortedRuns(runs);
  return bySeed(runs, (s) => {
    let [below, above] = [0, sorted[s].length];
    while (below < above) {
      const middle = Math.floor((below + above) / 2);
      if (reaches(sorted[s][middle], bars[s])) above = middle;
      else below = middle + 1;
    }
    return (sorted[s].length - below) / sorted[s].length;
  });
}

/** Return the share of the runs that diverged. */
export function divergenceRate(runs) {
  return bySeed(runs, (s) => nanMean(runsOfSeed(runs, runs.diverged, s)));
}

/** Return the runs of each seed in ascending order. */
function sortedRuns(runs) {
  return once(runs.memo, "sorted", () => Array.from(runs.seeds, (_, s) => sortedKnown(runsOfSeed(runs, runs.accuracy, s))));
}

/** Return the mean of the middle half of the runs (rliable, of one seed alone). */
export function interquartileMean(runs) {
  const sorted = sortedRuns(runs);
  return bySeed(runs, (s) => {
    const cut = Math.floor(TRIM * sorted[s].length);
    return nanMean(sorted[s].subarray(cut, sorted[s].length - cut));
  });
}

/** Return the best accuracy of any run. */
export function bestAccuracy(runs) {
  return bySeed(runs, (s) => nanMax(ofSeed(runs.tops.peak, s, runs.numCurves)));
}

/**
 * Return the best accuracy to expect of `TRIES` runs of the grid, drawn at random without repetition: of N runs in
 * ascending order sum_i C(i - 1, tries - 1) / C(N, tries) x_i, the ratio as a product of ratios. NaN with fewer runs.
 */
export function expectedBest(runs) {
  const sorted = sortedRuns(runs);
  return bySeed(runs, (s) => {
    const total = sorted[s].length;
    if (total < TRIES) return NaN;
    let expected = 0;
    for (let place = TRIES - 1; place < total; place++) {
      let weight = TRIES / total;
      for (let k = 0; k < TRIES - 1; k++) weight *= (place - k) / (total - 1 - k);
      expected += weight * sorted[s][place];
    }
    return expected;
  });
}

/** Return the mean curve of all inits and gains of each seed, shape S,L. */
export function meanCurves(runs) {
  return once(runs.memo, "mean curves", () => {
    const means = Array.from(runs.seeds, (_, s) => meanOverFirst(runsOfSeed(runs, runs.accuracy, s), runs.numCurves));
    return Float64Array.from(means.flatMap((curve) => [...curve]));
  });
}

/** Return the position of the learning rate with the highest mean over inits and gains, the lowest of equals. */
function bestLrs(runs) {
  return bySeed(runs, (s) => {
    const means = ofSeed(meanCurves(runs), s, runs.lrs.length);
    const best = nanMax(means);
    return Math.max(means.findIndex((mean) => reaches(mean, best)), 0);
  });
}

/** Return the accuracies of each seed at the learning rate best for all, shape S,C. */
function atBestLr(runs) {
  return once(runs.memo, "at best lr", () => {
    const best = bestLrs(runs);
    const values = new Float64Array(runs.seeds.length * runs.numCurves);
    return values.map((_, k) => runs.accuracy[k * runs.lrs.length + best[Math.floor(k / runs.numCurves)]]);
  });
}

/** Return log10 of the learning rate that is best for all inits and gains; NaN where no run reaches the bar. */
export function log10BestLr(runs, bars) {
  const [peaks, places] = [bestAccuracy(runs), bestLrs(runs)];
  return bySeed(runs, (s) => (reaches(peaks[s], bars[s]) ? runs.logLrs[places[s]] : NaN));
}

/** Return the share of the initializations (draws and their scales) that train at the one learning rate best for all. */
export function trainedInits(runs, bars) {
  const [draws, values] = [once(runs.memo, "draws", () => drawsOf(runs.inits, runs.gains)), atBestLr(runs)];
  return bySeed(runs, (s) => {
    const trains = ofSeed(values, s, runs.numCurves).map((value) => (Number.isNaN(value) ? NaN : +reaches(value, bars[s])));
    return meanOverScales(trains, draws);
  });
}

/** Return the range over gains of the accuracy at the one learning rate best for all, averaged over inits. */
export function gainSensitivity(runs) {
  return bySeed(runs, (s) => {
    const byGain = meanOverFirst(ofSeed(atBestLr(runs), s, runs.numCurves), runs.inits.length);
    return nanMax(byGain) - nanMin(byGain);
  });
}

/** Return what tuning the learning rate for each init and gain adds over the one rate best for all, in accuracy. */
export function tuningGain(runs) {
  const means = meanCurves(runs);
  return bySeed(
    runs,
    (s) => nanMean(ofSeed(runs.tops.peak, s, runs.numCurves)) - nanMax(ofSeed(means, s, runs.lrs.length)),
  );
}

/**
 * Return the learning-rate sensitivity of Wortsman et al. 2023: the mean over log10 lr of min(loss, loss at
 * initialization) less the best loss of the curve, mean over inits and gains. A diverged run counts as the loss at
 * initialization, and where that is not known as missing.
 */
export function lrSensitivity(runs) {
  const capped = runs.loss.map((loss, k) => (runs.initialLoss[k] < loss ? runs.initialLoss[k] : loss));
  const known = capped.map((loss) => (Number.isFinite(loss) ? loss : NaN));
  const { numLrs, scores, length, numKnown, start } = gapsOf(known, runs.logLrs);
  const heights = Float64Array.from(numKnown, (count, k) => {
    let [area, spanned] = [0, 0];
    for (let j = 1; j < count; j++) {
      area += ((scores[k * numLrs + j - 1] + scores[k * numLrs + j]) / 2) * length[start[k] + j];
      spanned += length[start[k] + j];
    }
    return spanned > 0 ? area / spanned - nanMin(ofSeed(capped, k, numLrs)) : NaN;
  });
  return bySeed(runs, (s) => nanMean(ofSeed(heights, s, runs.numCurves)));
}
