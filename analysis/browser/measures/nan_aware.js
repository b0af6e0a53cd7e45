// Reductions that skip NaN, and are NaN where nothing is left; and what is computed once and kept.

const MAX_RECENT = 64;

/**
 * @param {ArrayLike<number>} values
 * @returns {number} the mean of what is not NaN.
 */
export function nanMean(values) {
  let total = 0;
  let count = 0;
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    total += values[k];
    count++;
  }
  return count ? total / count : NaN;
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number} the largest of what is not NaN.
 */
export function nanMax(values) {
  let largest = NaN;
  for (let k = 0; k < values.length; k++) if (!(values[k] <= largest) && !Number.isNaN(values[k])) largest = values[k];
  return largest;
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number} the smallest of what is not NaN.
 */
export function nanMin(values) {
  let smallest = NaN;
  for (let k = 0; k < values.length; k++) if (!(values[k] >= smallest) && !Number.isNaN(values[k])) smallest = values[k];
  return smallest;
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number} how many are not NaN.
 */
export function countKnown(values) {
  let count = 0;
  for (let k = 0; k < values.length; k++) if (!Number.isNaN(values[k])) count++;
  return count;
}

/**
 * @param {Float64Array} values
 * @returns {Float64Array} what is not NaN, ascending.
 */
export function sortedKnown(values) {
  const known = new Float64Array(countKnown(values)); // `filter` makes an object of each of a million numbers
  let place = 0;
  for (let k = 0; k < values.length; k++) if (!Number.isNaN(values[k])) known[place++] = values[k];
  return known.sort();
}

/**
 * @template T
 * @param {Map<string, T>} memo what was computed before, by name
 * @param {string} name
 * @param {() => T} compute
 * @returns {T} what `compute` returned when it was first asked for.
 */
export function once(memo, name, compute) {
  if (!memo.has(name)) memo.set(name, compute());
  return memo.get(name);
}

/** As `once`, of what there are many: forgotten from time to time. */
export function recently(memo, name, compute) {
  const recent = once(memo, "recent", () => new Map());
  if (recent.size > MAX_RECENT) recent.clear();
  return once(recent, name, compute);
}
