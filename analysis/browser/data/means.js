/** What the seeds give together at each point (init, gain, lr) of the grid, mode by mode. */

import { reaches } from "../measures/curves.js";
import { cellOf } from "./setting.js";

/**
 * @param {object} grid of a setting
 * @param {string[]} norms the modes chosen
 * @param {number[]} seeds the seeds chosen
 * @returns {Map<string, object>} by mode, arrays of shape I,G,L: accuracy (mean over seeds, NaN where there is no result),
 *   low and high (its range), runs and diverged (how many)
 */
export function cellMeans(grid, norms, seeds) {
  return new Map(norms.map((norm) => [norm, meansOf(grid, norm, seeds)]));
}

function meansOf(grid, norm, seeds) {
  const size = grid.inits.length * grid.gains.length * grid.lrs.length;
  const mean = new Float64Array(size);
  const [runs, diverged] = [new Uint16Array(size), new Uint16Array(size)];
  const [low, high] = [new Float32Array(size).fill(Infinity), new Float32Array(size).fill(-Infinity)];
  for (const seed of seeds) {
    const first = firstCell(grid, norm, seed);
    for (let k = 0; k < size; k++) {
      const accuracy = grid.accuracy[first + k];
      if (Number.isNaN(accuracy)) continue;
      runs[k] += 1;
      mean[k] += accuracy;
      if (accuracy < low[k]) low[k] = accuracy;
      if (accuracy > high[k]) high[k] = accuracy;
      if (grid.diverged[first + k] === 1) diverged[k] += 1;
    }
  }
  for (let k = 0; k < size; k++) mean[k] = runs[k] ? mean[k] / runs[k] : NaN;
  return { accuracy: mean, low, high, runs, diverged };
}

/**
 * @param {object} grid of a setting
 * @param {Map<string, object>} means what `cellMeans` returned
 * @param {number[]} seeds the seeds chosen
 * @param {(norm: string, seed: number) => number} bar the accuracy from which on a run trains
 * @returns {Map<string, object>} the same, with `trains` beside: the share of the seeds that train, shape I,G,L
 */
export function withTrained(grid, means, seeds, bar) {
  return new Map([...means].map(([norm, of]) => [norm, { ...of, trains: trainedOf(grid, norm, seeds, bar, of.runs) }]));
}

function trainedOf(grid, norm, seeds, bar, runs) {
  const trained = new Float32Array(runs.length);
  for (const seed of seeds) {
    const first = firstCell(grid, norm, seed);
    const atLeast = bar(norm, seed);
    for (let k = 0; k < trained.length; k++) if (reaches(grid.accuracy[first + k], atLeast)) trained[k] += 1;
  }
  for (let k = 0; k < trained.length; k++) trained[k] = runs[k] ? trained[k] / runs[k] : NaN;
  return trained;
}

function firstCell(grid, norm, seed) {
  return cellOf(grid, grid.seeds.indexOf(seed), grid.norms.indexOf(norm), 0, 0, 0);
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
