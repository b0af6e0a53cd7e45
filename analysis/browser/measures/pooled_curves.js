// From what was measured of every curve to one number for each seed; and the pieces that a width adds up.

import { gapsOf, nothingMeasured, reaches, ROUNDING } from "./curves.js";
import { nanMean, nanMin } from "./nan_aware.js";

/**
 * @param {Measured} measured of every curve, shape S,C
 * @param {number} curvesPerSeed C
 * @returns {Measured} the means over the curves of a seed, shape S; the grid falls on them alike.
 */
export function overCurves(measured, curvesPerSeed) {
  const found = nothingMeasured(measured.value.length / curvesPerSeed);
  for (const [name, values] of Object.entries(measured)) {
    found[name] = found[name].map((_, s) => nanMean(ofSeed(values, s, curvesPerSeed)));
  }
  return found;
}

/**
 * Return the lowest value of the curves of a seed, and the standard deviation of the curve that is lowest, the first of
 * equals; what it can be at least and at most is of all.
 * @param {Measured} measured of every curve, shape S,C
 * @param {number} curvesPerSeed C
 * @returns {Measured} shape S
 */
export function lowestCurve(measured, curvesPerSeed) {
  const found = nothingMeasured(measured.value.length / curvesPerSeed);
  for (let s = 0; s < found.value.length; s++) {
    for (const name of ["value", "low", "high"]) found[name][s] = nanMin(ofSeed(measured[name], s, curvesPerSeed));
    const lowest = ofSeed(measured.value, s, curvesPerSeed).findIndex((value) => value <= found.value[s] + ROUNDING);
    if (lowest < 0) continue;
    for (const name of ["gridSd", "smooth"]) found[name][s] = measured[name][s * curvesPerSeed + lowest];
  }
  return found;
}

/**
 * @template {Float64Array | Float32Array} T
 * @param {T} values shape S,...
 * @param {number} seed
 * @param {number} size of what each seed has
 * @returns {T} those of one seed, not copied.
 */
export function ofSeed(values, seed, size) {
  return values.subarray(seed * size, (seed + 1) * size);
}

/**
 * @param {Gaps} gaps of every curve, shape S,C
 * @param {Float64Array} bars by seed
 * @param {number} curvesPerSeed C
 * @returns {boolean} whether any curve trains at its lowest or highest learning rate: then widths are lower bounds.
 */
export function reachesEnd(gaps, bars, curvesPerSeed) {
  return gaps.numKnown.some((known, k) => {
    const [first, bar] = [k * gaps.numLrs, bars[Math.floor(k / curvesPerSeed)]];
    return known > 0 && (reaches(gaps.scores[first], bar) || reaches(gaps.scores[first + known - 1], bar));
  });
}

/**
 * Return the ranges of learning rate that `trainableDecades` adds up, for one curve: from halfway to the neighbour that
 * does not train, to halfway to the next. Left out is the half that it counts of what lies beyond the outermost result
 * where that does not train: nothing says where it would be.
 * @param {ArrayLike<number>} curve scores, shape L; NaN where there is no result
 * @param {ArrayLike<number>} lrs the learning rates, ascending
 * @param {number} bar the accuracy from which on a run counts as trained
 * @returns {[number, number][]} from low to high
 */
export function trainableSpans(curve, lrs, bar) {
  const gaps = gapsOf(Float64Array.from(curve), Float64Array.from(lrs, Math.log10));
  const trains = (j) => j >= 0 && j < gaps.numKnown[0] && reaches(gaps.scores[j], bar);
  const spans = [];
  let end = Math.log10(lrs[0]);
  for (let j = 0; j <= gaps.numKnown[0]; j++) {
    const start = end;
    end += gaps.length[gaps.start[0] + j];
    const [trainsLeft, trainsRight] = [trains(j - 1), trains(j)];
    if (!(end > start) || !(trainsLeft || trainsRight)) continue;
    const middle = (start + end) / 2;
    let low = trainsLeft ? start : middle;
    if (spans.length && spans.at(-1)[1] === low) low = spans.pop()[0];
    spans.push([low, trainsRight ? end : middle]);
  }
  return spans.filter(([low, high]) => high > low).map((span) => span.map((place) => 10 ** place));
}
