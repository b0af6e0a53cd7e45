// From what was measured of every curve to one number for each seed.

import { nothingMeasured, reaches, ROUNDING } from "./curves.js";
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
