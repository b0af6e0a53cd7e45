// Initializers as draws and scales: which of them are one draw, larger or smaller; `analysis/measures/scales.py`.

import { nanMean } from "./nan_aware.js";

/** Draw, fans and factor by initializer: U(-1, 1), N(0, 1) or an orthogonal matrix, times factor / sqrt(fans). */
export const DRAWS = {
  default: ["uniform", "fan_in", 1],
  kaiming_uniform: ["uniform", "fan_in", Math.sqrt(6)],
  xavier_uniform: ["uniform", "fan_in + fan_out", Math.sqrt(6)],
  kaiming_normal: ["normal", "fan_in", Math.sqrt(2)],
  xavier_normal: ["normal", "fan_in + fan_out", Math.sqrt(2)],
  orthogonal: ["orthogonal", "nothing", 1],
};

/**
 * @param {string} init
 * @param {number} gain factor on the initial weights
 * @returns {{draw: string, scale: string}} the draw, and what tells its scales apart; one not known is of its own.
 */
export function scaleOf(init, gain) {
  const [draw, fallsWith, factor] = Object.hasOwn(DRAWS, init) ? DRAWS[init] : [init, "nothing", 1];
  return { draw, scale: `${fallsWith}, ${threeDigits(factor * gain)}` };
}

/** Return a number to three digits, half to even as Python rounds: `toExponential(2)` rounds half up. */
function threeDigits(value) {
  const [digits, exponent] = value.toExponential(60).split("e");
  const isHalfwayToOdd = /^\d\.\d[02468]50*$/.test(digits);
  return isHalfwayToOdd ? `${digits.slice(0, 4)}e${exponent}` : value.toExponential(2);
}

/**
 * @param {string[]} inits
 * @param {number[]} gains
 * @returns {number[][][]} by draw and scale the positions of its curves, of which each init has one for every gain.
 */
export function drawsOf(inits, gains) {
  const draws = new Map();
  inits.forEach((init, i) =>
    gains.forEach((gain, g) => {
      const { draw, scale } = scaleOf(init, gain);
      if (!draws.has(draw)) draws.set(draw, new Map());
      const scales = draws.get(draw);
      scales.set(scale, [...(scales.get(scale) ?? []), i * gains.length + g]);
    }),
  );
  return [...draws.values()].map((scales) => [...scales.values()]);
}

/**
 * Return the mean over curves in which each draw counts once, and within it each scale once; NaN is left out.
 * @param {ArrayLike<number>} values by curve
 * @param {number[][][]} draws of `drawsOf`
 * @returns {number}
 */
export function meanOverScales(values, draws) {
  return nanMean(draws.map((scales) => nanMean(scales.map((curves) => nanMean(curves.map((k) => values[k]))))));
}
