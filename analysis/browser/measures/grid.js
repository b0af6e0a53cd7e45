// The grid, what of it was chosen, and the runs of one mode or of two on what both have.
//
// Shape suffixes as in Python: S seeds, N norms, I inits, G gains, L learning rates; C = I x G curves.

import { gapsOf } from "./curves.js";
import { topsOf } from "./hidden.js";
import { nanMax, once } from "./nan_aware.js";

/** A seed has an init and gain from this share of the learning rates on. */
const CURVE_SHARE = 1 / 3;
/** An init and gain count where this share of the seeds have them. */
const SEEDS_SHARE = 0.5;

/**
 * The results of one configuration, each array of shape SNIGL, row by row; NaN where there is none.
 * @typedef {object} Grid
 * @property {number[]} seeds ascending
 * @property {string[]} norms
 * @property {string[]} inits
 * @property {number[]} gains factors on the initial weights, ascending
 * @property {number[]} lrs learning rates, ascending
 * @property {number[]} [addedLrs] those of them that a search has added, each mode its own
 * @property {number} chance accuracy of guessing; 0 with real targets
 * @property {Float64Array | Float32Array} accuracy final score, diverged runs at chance
 * @property {Float64Array | Float32Array} diverged 1 or 0
 * @property {Float64Array | Float32Array | null} loss final test loss, infinite where a run diverged; null: not known
 * @property {Float64Array | Float32Array | null} initialLoss before any update; null: not known
 */

/**
 * What was chosen of a grid, and what was computed of it so far.
 * @typedef {object} Selection
 * @property {Grid} grid
 * @property {string[]} norms those chosen, in the grid's order
 * @property {number[]} seeds those chosen, ascending
 * @property {number[]} normPlaces their positions on the grid
 * @property {number[]} seedPlaces
 * @property {Float64Array} best accuracy of each mode with each seed, anywhere, shape SN; 0 where there is no result
 * @property {Float64Array} bestOfAny that of all chosen modes, shape S
 * @property {number} numInits how many inits any of the chosen has
 * @property {number} numGains
 * @property {Map<string, unknown>} memo
 */

/**
 * The runs of one mode at the points that are shared; arrays of shape SCL, NaN where there is no result.
 * @typedef {object} Runs
 * @property {number[]} seeds positions among the chosen seeds
 * @property {string[]} inits
 * @property {number[]} gains
 * @property {number[]} lrs
 * @property {number[]} addedLrs those of them that a search has added
 * @property {Float64Array} logLrs their log10
 * @property {number} numCurves C
 * @property {Float64Array} accuracy
 * @property {Float64Array} diverged
 * @property {Float64Array} loss
 * @property {Float64Array} initialLoss
 * @property {Gaps} gaps of the curves of accuracy
 * @property {Tops} tops
 * @property {number} chance
 * @property {Map<string, unknown>} memo
 */

/**
 * Choose modes and seeds of a grid; names that it lacks are passed over.
 * @param {Grid} grid
 * @param {{norms?: string[], seeds?: number[]}} chosen all of them if not given
 * @returns {Selection} to be kept: what rests on neither fraction nor bar is computed once.
 */
export function prepare(grid, { norms = grid.norms, seeds = grid.seeds } = {}) {
  const normPlaces = [...grid.norms.keys()].filter((n) => norms.includes(grid.norms[n]));
  const seedPlaces = [...grid.seeds.keys()].filter((s) => seeds.includes(grid.seeds[s]));
  const selection = {
    grid,
    norms: normPlaces.map((n) => grid.norms[n]),
    seeds: seedPlaces.map((s) => grid.seeds[s]),
    normPlaces,
    seedPlaces,
    memo: new Map(),
  };
  const bests = seedPlaces.map((_, s) => normPlaces.map((__, n) => nanMax(blockOf(selection, grid.accuracy, s, n)) || 0));
  const present = presentCurves(selection);
  return {
    ...selection,
    best: Float64Array.from(bests.flat()),
    bestOfAny: Float64Array.from(bests, (best) => Math.max(0, ...best)),
    numInits: grid.inits.filter((_, i) => grid.gains.some((__, g) => present[i * grid.gains.length + g])).length,
    numGains: grid.gains.filter((_, g) => grid.inits.some((__, i) => present[i * grid.gains.length + g])).length,
  };
}

/** Return the values of one chosen seed and mode, shape C,L, not copied. */
function blockOf({ grid, normPlaces, seedPlaces }, values, s, n) {
  const size = grid.inits.length * grid.gains.length * grid.lrs.length;
  const start = (seedPlaces[s] * grid.norms.length + normPlaces[n]) * size;
  return values.subarray(start, start + size);
}

/** Return which curves have any result in what was chosen, shape C. */
function presentCurves(selection) {
  const { grid, norms, seeds } = selection;
  const present = new Uint8Array(grid.inits.length * grid.gains.length);
  for (let s = 0; s < seeds.length; s++) {
    for (let n = 0; n < norms.length; n++) {
      const scores = blockOf(selection, grid.accuracy, s, n);
      for (let k = 0; k < scores.length; k++) if (scores[k] === scores[k]) present[Math.floor(k / grid.lrs.length)] = 1;
    }
  }
  return present;
}

/**
 * Return where each of these modes, by position, has a result, shape SCL: at rates that a search has added its own, at
 * others those that all of them have. With each goes at how many points that is.
 */
function knownPoints(selection, modes) {
  const { grid, seeds } = selection;
  const size = grid.accuracy.length / (grid.seeds.length * grid.norms.length);
  const isCommon = isCommonLr(grid);
  const shared = new Uint8Array(seeds.length * size).fill(1);
  const known = modes.map(() => (isCommon.every(Boolean) ? shared : new Uint8Array(shared.length)));
  for (let s = 0; s < seeds.length; s++) {
    const blocks = modes.map((n) => blockOf(selection, grid.accuracy, s, n));
    const mine = known.map((ofMode) => ofMode.subarray(s * size, (s + 1) * size));
    for (const block of blocks) for (let k = 0; k < size; k++) if (block[k] !== block[k]) shared[s * size + k] = 0;
    if (known[0] === shared) continue;
    for (const [place, block] of blocks.entries()) {
      for (let k = 0; k < size; k++) {
        mine[place][k] = isCommon[k % isCommon.length] ? shared[s * size + k] : +(block[k] === block[k]);
      }
    }
  }
  return { known, counts: known.map((ofMode) => ofMode.reduce((total, isKnown) => total + isKnown, 0)) };
}

/** Return which learning rates all modes have, shape L. */
function isCommonLr({ lrs, addedLrs = [] }) {
  const added = new Set(addedLrs);
  return Uint8Array.from(lrs, (lr) => +!added.has(lr));
}

/**
 * Return the points of the grid that count, of those known of some modes; null where there is none. Left out are the
 * learning rates that no seed has, the inits and gains that most seeds lack, and the seeds that lack one of the others.
 */
function sharedPoints({ grid, seeds }, known) {
  const [numLrs, numCurves, isCommon] = [grid.lrs.length, grid.inits.length * grid.gains.length, isCommonLr(grid)];
  const [perCurve, hasLr] = [new Int32Array(seeds.length * numCurves), new Uint8Array(numLrs)];
  for (const ofMode of known) for (let k = 0; k < ofMode.length; k++) hasLr[k % numLrs] |= ofMode[k];
  for (let k = 0; k < known[0].length; k++) perCurve[Math.floor(k / numLrs)] += known[0][k] & isCommon[k % numLrs];
  const lrs = [...hasLr.keys()].filter((l) => hasLr[l]);
  const numCommon = lrs.filter((l) => isCommon[l]).length;
  const countsOfSeed = (s) => perCurve.subarray(s * numCurves, (s + 1) * numCurves);
  const has = perCurve.map((count) => +(count >= Math.max(CURVE_SHARE * numCommon, 1)));
  const begun = [...seeds.keys()].filter((s) => countsOfSeed(s).some((count) => count > 0));
  const counts = Uint8Array.from({ length: numCurves }, (_, c) => {
    const having = begun.reduce((total, s) => total + has[s * numCurves + c], 0);
    return +(having / begun.length >= SEEDS_SHARE);
  });
  const whole = begun.filter((s) => counts.every((isCounted, c) => !isCounted || has[s * numCurves + c]));
  const isThere = whole.some((s) => countsOfSeed(s).some((count, c) => count > 0 && counts[c]));
  return isThere ? { counts, lrs, seeds: whole } : null;
}

/** Return the runs of a mode, by position, at those of these points that are known. */
function runsAt(selection, points, known, n) {
  const { grid } = selection;
  const lrs = points.lrs.map((l) => grid.lrs[l]);
  const [accuracy, diverged, loss, initialLoss] = [grid.accuracy, grid.diverged, grid.loss, grid.initialLoss].map(
    (values) => valuesAt(selection, values, { ...points, known }, n),
  );
  const { inits, gains, chance, addedLrs = [] } = grid;
  return runsOf({ seeds: points.seeds, inits, gains, lrs, accuracy, diverged, loss, initialLoss, chance, addedLrs });
}

/** @returns {Runs} with what follows from them. */
function runsOf(runs) {
  const { accuracy, chance, inits, gains, lrs } = runs;
  const logLrs = Float64Array.from(lrs, Math.log10);
  const gaps = gapsOf(accuracy, logLrs);
  return { ...runs, logLrs, numCurves: inits.length * gains.length, gaps, tops: topsOf(gaps, chance), memo: new Map() };
}

/**
 * @param {Runs} runs
 * @returns {Runs} those at the learning rates that all modes have; kept with them.
 */
export function atCommonLrs(runs) {
  const isCommon = isCommonLr(runs);
  if (isCommon.every(Boolean)) return runs;
  return once(runs.memo, "at common lrs", () => {
    const of = (values) => values.filter((_, k) => isCommon[k % isCommon.length]);
    const [accuracy, diverged, loss, initialLoss] = [runs.accuracy, runs.diverged, runs.loss, runs.initialLoss].map(of);
    return runsOf({ ...runs, lrs: runs.lrs.filter((_, l) => isCommon[l]), accuracy, diverged, loss, initialLoss });
  });
}

/** Return the values of a mode at these points, shape SCL, NaN where nothing is known; `values` may be null. */
function valuesAt(selection, values, { known, counts, lrs, seeds }, n) {
  const [numCurves, numLrs] = [counts.length, selection.grid.lrs.length];
  const picked = new Float64Array(seeds.length * numCurves * lrs.length).fill(NaN);
  let place = 0;
  for (const s of values ? seeds : []) {
    const block = blockOf(selection, values, s, n);
    const start = s * block.length;
    for (let c = 0; c < numCurves; c++) {
      for (let l = 0; l < lrs.length; l++, place++) {
        const k = c * numLrs + lrs[l];
        if (counts[c] && known[start + k]) picked[place] = block[k];
      }
    }
  }
  return picked;
}

/** Return how many results a mode, by position, has, and its runs; null where it has no curve. */
function mode(selection, n) {
  return once(selection.memo, `mode ${n}`, () => {
    const { known, counts } = knownPoints(selection, [n]);
    const points = sharedPoints(selection, known);
    return { count: counts[0], runs: points && runsAt(selection, points, known[0], n) };
  });
}

/**
 * @param {Selection} selection
 * @param {number} n position of a mode among the chosen
 * @returns {Runs | null} its runs; null where it has no curve of accuracy over lr.
 */
export function runsOfMode(selection, n) {
  return mode(selection, n).runs;
}

/**
 * @param {Selection} selection
 * @param {number} n position of a mode among the chosen
 * @param {number} other that of another
 * @returns {[Runs, Runs] | null} the runs of both where both have a result; null where they share no curve.
 */
export function runsOfPair(selection, n, other) {
  return once(selection.memo, `pair ${n} ${other}`, () => {
    const { known, counts } = knownPoints(selection, [n, other]);
    const points = sharedPoints(selection, known);
    if (!points) return null;
    return [n, other].map((k, place) =>
      mode(selection, k).count === counts[place] ? runsOfMode(selection, k) : runsAt(selection, points, known[place], k),
    );
  });
}
