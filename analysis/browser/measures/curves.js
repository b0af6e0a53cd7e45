// Measures of curves: accuracy over log10 of the learning rate, each curve of one seed, initialization and gain.
//
// A curve is known at the tested learning rates only. It is taken that it goes from one to the next without turning
// round, so in every gap it lies between its two ends. A measure takes the middle, and what that leaves open is told
// beside it, as `analysis/measures/curves.py` does, whose numbers these are.

/** An accuracy less than this above chance is not training, even where no mode does better. */
export const ABOVE_CHANCE = 0.05;
/** Of accuracies: a sum of floats can miss a bar that it is meant to be on. */
export const ROUNDING = 1e-9;
/** A run trains from this fraction of the best accuracy on. */
export const FRACTION = 0.9;

/**
 * The gaps between tested learning rates, of K curves with numKnown[k] + 1 gaps each: gap j lies between the known
 * scores j - 1 and j. The first and the last are what lies before the first and after the last known point, and of no
 * length where that is the end of the range.
 * @typedef {object} Gaps
 * @property {number} numLrs L
 * @property {Float64Array} scores shape K,L: of each curve those that are known, in order, from the start of its row
 * @property {Int32Array} numKnown how many these are, shape K
 * @property {Float64Array} length in decades, of curve k from start[k] on
 * @property {Int32Array} start shape K; that of all curves without a hole is one and the same
 */

/**
 * A measure, and what the tested learning rates leave open of it: the value with the middle of what is possible in
 * every gap, the least and the most that it can be, its standard deviation with each gap uniform and for itself, and
 * the measure of the piecewise linear curve, for spreads over seeds. Arrays of one shape.
 * @typedef {{value: Float64Array, low: Float64Array, high: Float64Array, gridSd: Float64Array, smooth: Float64Array}}
 *   Measured
 */

/**
 * @param {number} best accuracy
 * @param {number} chance accuracy of guessing
 * @param {number} fraction of the best
 * @returns {number} the accuracy from which on a run counts as trained.
 */
export function threshold(best, chance, fraction = FRACTION) {
  return Math.max(fraction * best, chance + ABOVE_CHANCE);
}

/** @returns {boolean} whether a score is on or above a bar, or misses it by rounding only. */
export function reaches(score, bar) {
  return score >= bar - ROUNDING;
}

/**
 * @param {Float64Array} scores shape K,L; NaN where there is no result
 * @param {Float64Array} logLrs log10 of the learning rates, ascending, shape L
 * @returns {Gaps}
 */
export function gapsOf(scores, logLrs) {
  const numLrs = logLrs.length;
  const numCurves = scores.length / numLrs;
  const [known, numKnown, start] = [scores.slice(), new Int32Array(numCurves), new Int32Array(numCurves)];
  const lengths = [0, ...logLrs.subarray(1).map((at, l) => at - logLrs[l]), 0];
  for (let k = 0; k < numCurves; k++) {
    const row = k * numLrs;
    let count = 0;
    for (let l = 0; l < numLrs; l++) if (scores[row + l] === scores[row + l]) known[row + count++] = scores[row + l];
    numKnown[k] = count;
    if (count === numLrs) continue;
    start[k] = lengths.length;
    addLengths(lengths, scores.subarray(row, row + numLrs), logLrs);
  }
  return { numLrs, scores: known, numKnown, length: Float64Array.from(lengths), start };
}

/** Add the lengths of the gaps of a curve with holes. */
function addLengths(lengths, scores, logLrs) {
  let at = logLrs[0];
  for (let l = 0; l < scores.length; l++) {
    if (scores[l] !== scores[l]) continue; // NaN
    lengths.push(logLrs[l] - at);
    at = logLrs[l];
  }
  lengths.push(logLrs.at(-1) - at);
}

/** Return over how many decades nothing is known of curve k: before its first known point and after its last. */
function unknownDecades({ length, start, numKnown }, k) {
  return [length[start[k]], length[start[k] + numKnown[k]]];
}

/** @returns {Measured} of this shape, NaN everywhere. */
export function nothingMeasured(size) {
  const empty = () => new Float64Array(size).fill(NaN);
  return { value: empty(), low: empty(), high: empty(), gridSd: empty(), smooth: empty() };
}

/**
 * Return over how many decades of learning rate each curve is on or above its bar: the length of the gaps with both
 * ends trained and half of those with one. NaN with fewer than two learning rates, or without any result.
 * @param {Gaps} gaps
 * @param {Float64Array} bars by seed
 * @param {number} curvesPerSeed
 * @returns {Measured} shape K
 */
export function trainableDecades(gaps, bars, curvesPerSeed) {
  const found = nothingMeasured(gaps.numKnown.length);
  for (let k = 0; k < gaps.numKnown.length; k++) {
    if (gaps.numKnown[k] && gaps.numLrs > 1) measureWidth(found, gaps, k, bars[Math.floor(k / curvesPerSeed)]);
  }
  return found;
}

function measureWidth(found, gaps, k, bar) {
  const { scores, length } = gaps;
  const [first, last] = [k * gaps.numLrs, k * gaps.numLrs + gaps.numKnown[k] - 1];
  const [before, after] = unknownDecades(gaps, k);
  const nearly = bar - ROUNDING;
  let [low, open, squares] = [0, before + after, before ** 2 + after ** 2];
  let smooth = (reaches(scores[first], bar) ? before : 0) + (reaches(scores[last], bar) ? after : 0);
  for (let j = first + 1, place = gaps.start[k] + 1; j <= last; j++, place++) {
    const left = scores[j - 1];
    const right = scores[j];
    if (left >= bar && right >= bar) {
      low += length[place];
      smooth += length[place];
    } else if (left >= nearly || right >= nearly) {
      const bottom = Math.min(left, right);
      const top = Math.max(left, right);
      if (bottom >= nearly) {
        low += length[place];
      } else {
        open += length[place];
        squares += length[place] ** 2;
      }
      smooth += length[place] * (top > bottom ? Math.max(top - bar, 0) / (top - bottom) : 1);
    }
  }
  setMeasured(found, k, low, low + open, squares, smooth);
}

/**
 * Return the area under each curve of accuracy over log10 lr, divided by the tested range: a mean accuracy.
 * @param {Gaps} gaps
 * @param {number} range decades that were tested
 * @returns {Measured} shape K; NaN with fewer than two learning rates, or without any result.
 */
export function meanAccuracy(gaps, range) {
  const { scores, length, numKnown, numLrs, start } = gaps;
  const found = nothingMeasured(numKnown.length);
  for (let k = 0; k < numKnown.length; k++) {
    if (!numKnown[k] || numLrs < 2) continue;
    const [before, after] = unknownDecades(gaps, k).map((decades) => decades / range);
    let [low, open, squares] = [0, before + after, before ** 2 + after ** 2];
    for (let j = 1; j < numKnown[k]; j++) {
      const left = scores[k * numLrs + j - 1];
      const right = scores[k * numLrs + j];
      const share = length[start[k] + j] / range;
      const between = Math.abs(right - left) * share;
      low += Math.min(left, right) * share;
      open += between;
      squares += between ** 2;
    }
    setMeasured(found, k, low, low + open, squares, low + open / 2);
  }
  return found;
}

/** Note what was found of one curve; `squares` is the sum over gaps of the squared length of what each leaves open. */
function setMeasured(found, k, low, high, squares, smooth) {
  found.value[k] = (low + high) / 2;
  found.low[k] = low;
  found.high[k] = high;
  found.gridSd[k] = Math.sqrt(squares / 12);
  found.smooth[k] = smooth;
}
