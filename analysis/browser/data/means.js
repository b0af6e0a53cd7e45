/** What the seeds give together at each point (init, gain, lr) of the grid, mode by mode. */

import { reaches } from "../measures/curves.js";
import { cellOf } from "./setting.js";

/**
 * @param {object} grid of a setting
 * @param {string[]} norms the modes chosen
 * @param {number[]} seeds the seeds chosen
 * @param {(norm: string, seed: number) => number} bar the accuracy from which on a run trains
 * @returns {Map<string, object>} by mode, arrays of shape I,G,L: accuracy (mean over seeds, NaN where there is no result),
 *   low and high (its range), trains (share of the seeds), runs and diverged (how many)
 */
export function cellMeans(grid, norms, seeds, bar) {
  return new Map(norms.map((norm) => [norm, meansOf(grid, norm, seeds, bar)]));
}

function meansOf(grid, norm, seeds, bar) {
  const size = grid.inits.length * grid.gains.length * grid.lrs.length;
  const [sum, trained] = [new Float64Array(size), new Float64Array(size)];
  const [runs, diverged] = [new Uint16Array(size), new Uint16Array(size)];
  const [low, high] = [new Float32Array(size).fill(Infinity), new Float32Array(size).fill(-Infinity)];
  for (const seed of seeds) {
    const first = cellOf(grid, grid.seeds.indexOf(seed), grid.norms.indexOf(norm), 0, 0, 0);
    const atLeast = bar(norm, seed);
    for (let k = 0; k < size; k++) {
      const accuracy = grid.accuracy[first + k];
      if (Number.isNaN(accuracy)) continue;
      runs[k] += 1;
      sum[k] += accuracy;
      if (accuracy < low[k]) low[k] = accuracy;
      if (accuracy > high[k]) high[k] = accuracy;
      if (grid.diverged[first + k] === 1) diverged[k] += 1;
      if (reaches(accuracy, atLeast)) trained[k] += 1;
    }
  }
  for (let k = 0; k < size; k++) {
    sum[k] = runs[k] ? sum[k] / runs[k] : NaN;
    trained[k] = runs[k] ? trained[k] / runs[k] : NaN;
  }
  return { accuracy: sum, low, high, trains: trained, runs, diverged };
}

/** Return by lr the mean of an array of shape I,G,L over the inits and gains for which `isIn(i, g)`; NaN left out. */
export function overLines(grid, values, isIn = () => true) {
  const num = grid.lrs.length;
  const [sum, count] = [new Float64Array(num), new Float64Array(num)];
  for (let i = 0; i < grid.inits.length; i++) {
    for (let g = 0; g < grid.gains.length; g++) {
      if (!isIn(i, g)) continue;
      const first = (i * grid.gains.length + g) * num;
      for (let l = 0; l < num; l++) {
        if (Number.isNaN(values[first + l])) continue;
        sum[l] += values[first + l];
        count[l] += 1;
      }
    }
  }
  return sum.map((total, l) => (count[l] ? total / count[l] : NaN));
}
