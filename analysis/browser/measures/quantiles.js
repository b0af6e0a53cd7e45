// Quantiles of the normal and of Student's t, to about 1e-14 of themselves: by Newton's method on their tails.
//
// Either tail is convex above 0, so Newton's steps from 0 never pass the root, and end where rounding does.

const MAX_STEPS = 500;
const MAX_TERMS = 1000;
const TINY = 1e-300;

/**
 * @param {number} level from 0 to 1
 * @returns {number} below which a standard normal number lies with this probability.
 */
export function normalQuantileAt(level) {
  return quantileOf(level, normalTail, (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
}

/**
 * @param {number} df degrees of freedom, a whole number, at least 1
 * @param {number} level from 0 to 1
 * @returns {number} below which Student's t lies with this probability.
 */
export function studentQuantileAt(df, level) {
  const ratio = gammaRatio(df);
  const scale = ratio / Math.sqrt(Math.PI * df);
  const density = (t) => scale * Math.exp((-(df + 1) / 2) * Math.log1p((t * t) / df));
  return quantileOf(level, (t) => studentTail(df, t, ratio), density);
}

/** Return where the tail of a density that is symmetric about 0 and falls from there on has the given level below. */
function quantileOf(level, tail, density) {
  if (!(level > 0 && level < 1)) return level === 0 ? -Infinity : level === 1 ? Infinity : NaN;
  const above = Math.min(level, 1 - level);
  let place = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const further = (tail(place) - above) / density(place);
    place += further;
    if (!(further > 1e-16 * place)) break;
  }
  return level < 0.5 ? -place : place;
}

/** Return the probability above z >= 0: by its series about 0, further out by its continued fraction. */
function normalTail(z) {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 2) {
    let [term, sum] = [z, z];
    for (let k = 3; Math.abs(term) > 1e-17 * sum; k += 2) sum += term *= (z * z) / k;
    return 0.5 - density * sum;
  }
  let fraction = z;
  for (let k = 200; k > 0; k--) fraction = z + k / fraction;
  return density / fraction;
}

/** Return the probability above t >= 0: half the incomplete beta function of df / 2 and 1/2 at df / (df + t^2). */
function studentTail(df, t, ratio) {
  if (t === 0) return 0.5;
  const [a, b, x] = [df / 2, 0.5, df / (df + t * t)];
  const rest = 1 / (1 + df / (t * t));
  const front = (Math.exp(-a * Math.log1p((t * t) / df)) * Math.sqrt(rest) * ratio) / Math.sqrt(Math.PI);
  if (x < (a + 1) / (a + b + 2)) return (front / a) * betaFraction(a, b, x) * 0.5;
  return 0.5 * (1 - (front / b) * betaFraction(b, a, rest));
}

/** Return the continued fraction of the incomplete beta function, by the method of Lentz. */
function betaFraction(a, b, x) {
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return value;
}

function notZero(value) {
  return Math.abs(value) < TINY ? TINY : value;
}

/** Return gamma((df + 1) / 2) / gamma(df / 2), from that of 1 or 2 on: each of df + 2 is (df + 1) / df of it. */
function gammaRatio(df) {
  let ratio = df % 2 ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2;
  for (let n = df % 2 ? 1 : 2; n < df; n += 2) ratio *= (n + 1) / n;
  return ratio;
}
