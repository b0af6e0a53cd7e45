/** Scales: from values to pixels and back, with the ticks between them. */

import { plain } from "./numbers.js";

/**
 * @param {number[]} domain the least and the largest value
 * @param {number[]} range the pixels that they stand at
 */
export function linearScale([from, to], [start, end]) {
  const span = to - from || 1;
  const step = niceStep(span / Math.max(2, Math.abs(end - start) / 70));
  const ticks = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9 * span; k++) ticks.push(Number((k * step).toPrecision(12)));
  return {
    at: (value) => start + ((value - from) / span) * (end - start),
    invert: (pixel) => from + ((pixel - start) / (end - start)) * span,
    ticks,
    text: (value) => plain(value, 4),
  };
}

/** A logarithmic scale; its ticks are powers of ten, fewer where they would touch. */
export function logScale([from, to], [start, end]) {
  const low = Math.log10(from);
  const span = Math.log10(to) - low || 1;
  const apart = Math.max(1, Math.ceil((span * 44) / Math.abs(end - start)));
  const ticks = [];
  for (let power = Math.ceil(low - 1e-9); power <= low + span + 1e-9; power++) if (power % apart === 0) ticks.push(10 ** power);
  if (ticks.length < 2) ticks.push(...between(from, to).filter((value) => !ticks.includes(value)));
  return {
    at: (value) => start + ((Math.log10(value) - low) / span) * (end - start),
    invert: (pixel) => 10 ** (low + ((pixel - start) / (end - start)) * span),
    ticks: ticks.sort((a, b) => a - b),
    text: (value) => plain(value, 2),
  };
}

/** Return the least and the largest of the finite values, positive ones alone where asked; null where there is none. */
export function extent(values, positive = false) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** Return a range a little wider than the values, so that no mark lies on the frame. */
export function padded([low, high], isLog) {
  if (isLog) {
    const by = low === high ? 2 : (high / low) ** 0.04;
    return [low / by, high * by];
  }
  const by = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.05;
  return [low - by, high + by];
}

/** Return where the cells of the learning rates begin and end, half-way between them in logs; one more than there are. */
export function lrEdges(lrs) {
  if (lrs.length === 1) return [lrs[0] / 3, lrs[0] * 3];
  const logs = lrs.map(Math.log10);
  const between = logs.slice(1).map((log, k) => (log + logs[k]) / 2);
  const ends = [2 * logs[0] - between[0], ...between, 2 * logs.at(-1) - between.at(-1)];
  return ends.map((log) => 10 ** log);
}

/** Return the multiples of powers of ten by 2 and 5 in a range of less than two powers; its middle where there is none. */
function between(from, to) {
  const found = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    for (const factor of [2, 5]) if (factor * 10 ** power >= from && factor * 10 ** power <= to) found.push(Number((factor * 10 ** power).toPrecision(3)));
  }
  return found.length ? found : [Number(Math.sqrt(from * to).toPrecision(3))];
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9));
}
