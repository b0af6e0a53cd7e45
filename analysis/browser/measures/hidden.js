// What may hide between two tested learning rates: a plateau narrower than the distance between them.
//
// A curve whose own best is reached at two neighbouring rates was seen. Of any other the top may lie where nothing was
// tested, as high as the best of any mode, and at the most it fills the widest gap. A value stays what was seen, but its
// error is that of a plateau with both edges in that gap: `analysis/measures/hidden.py`.

import { gapsOf, reaches, threshold } from "./curves.js";
import { nanMax } from "./nan_aware.js";

/**
 * What each curve shows of its top, shape K.
 * @typedef {object} Tops
 * @property {Float64Array} peak its best accuracy; NaN without a result
 * @property {Uint8Array} isSeen whether it reaches 90 % of its best at two neighbouring rates with a result
 * @property {Float64Array} widest decades of its widest gap that has a result at both ends; 0 where it has none
 * @property {Float64Array} spanned decades of all of them
 */

/**
 * @param {Gaps} gaps of K curves
 * @param {number} chance accuracy of guessing
 * @returns {Tops}
 */
export function topsOf(gaps, chance) {
  const numCurves = gaps.numKnown.length;
  const [peak, widest, spanned] = [0, 1, 2].map(() => new Float64Array(numCurves));
  const isSeen = new Uint8Array(numCurves);
  for (let k = 0; k < numCurves; k++) {
    const first = k * gaps.numLrs;
    peak[k] = nanMax(gaps.scores.subarray(first, first + gaps.numKnown[k]));
    const bar = threshold(peak[k], chance);
    for (let j = 1; j < gaps.numKnown[k]; j++) {
      const length = gaps.length[gaps.start[k] + j];
      widest[k] = Math.max(widest[k], length);
      spanned[k] += length;
      if (reaches(gaps.scores[first + j - 1], bar) && reaches(gaps.scores[first + j], bar)) isSeen[k] = 1;
    }
  }
  return { peak, isSeen, widest, spanned };
}

/**
 * @param {Measured} measured of every curve, shape K; left as it is
 * @param {(k: number) => number} most the most that may hide of a curve, in the measure's unit; 0 where nothing can
 * @returns {Measured} with the error of a plateau that may hide.
 */
export function withHidden(measured, most) {
  const [high, gridSd] = [measured.high.slice(), measured.gridSd.slice()];
  for (let k = 0; k < high.length; k++) {
    const hidden = most(k);
    if (hidden === 0) continue;
    high[k] += hidden;
    gridSd[k] = Math.hypot(gridSd[k], hidden * Math.sqrt(2 / 12));
  }
  return { ...measured, high, gridSd };
}

/**
 * Curves of which the best is meant: what all seeds together show of it.
 * @typedef {object} Top
 * @property {number} span decades over which the best was seen to hold, as means over seeds; 0 where no two
 *   neighbouring rates do
 * @property {number} best the best of the means
 * @property {number} widest decades of the widest gap of any curve that has a result at both ends
 */

/**
 * @param {Float64Array} curves shape S,K,L
 * @param {Float64Array} logLrs shape L
 * @param {number} numSeeds S
 * @param {number} chance accuracy of guessing
 * @returns {Top}
 */
export function topOf(curves, logLrs, numSeeds, chance) {
  const means = meanOverFirst(curves, numSeeds);
  const [gaps, best] = [gapsOf(means, logLrs), nanMax(means)];
  const bar = threshold(best, chance);
  let span = 0;
  for (let k = 0; k < gaps.numKnown.length; k++) {
    const scores = gaps.scores.subarray(k * gaps.numLrs, k * gaps.numLrs + gaps.numKnown[k]);
    let seen = 0;
    for (let j = 1; j < scores.length; j++) {
      if (reaches(scores[j - 1], bar) && reaches(scores[j], bar)) seen += gaps.length[gaps.start[k] + j];
    }
    span = Math.max(span, seen);
  }
  return { span, best, widest: nanMax(topsOf(gapsOf(curves, logLrs), chance).widest) };
}

/**
 * Return whether the best of a mode may lie between two rates, such that it says nothing beside another mode's. A mode
 * that trains nowhere beside one that was seen to train over more than the widest gap is let pass: what may hide of it
 * is narrower than that.
 * @param {Top} own
 * @param {Top | null} other of the mode that it is compared with, if it is
 * @param {number} chance accuracy of guessing
 * @returns {boolean}
 */
export function topMayHide(own, other, chance) {
  if (own.span > 0) return false;
  if (other === null) return true;
  return reaches(own.best, threshold(other.best, chance)) || other.span < other.widest - 1e-9;
}

/**
 * @param {Float64Array} values shape S,...
 * @param {number} numFirst S
 * @returns {Float64Array} the mean over the first axis of what is not NaN, shape ...
 */
export function meanOverFirst(values, numFirst) {
  const size = values.length / numFirst;
  const [total, count] = [new Float64Array(size), new Int32Array(size)];
  for (let s = 0; s < numFirst; s++) {
    for (let k = 0; k < size; k++) {
      const value = values[s * size + k];
      if (value !== value) continue; // NaN
      total[k] += value;
      count[k]++;
    }
  }
  for (let k = 0; k < size; k++) total[k] = count[k] ? total[k] / count[k] : NaN;
  return total;
}
