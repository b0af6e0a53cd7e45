/** Numbers as they are read. */

const NOT_KNOWN = "–";

/** Return a number with so many significant digits, without trailing zeros: 0.001, 1e-5, 120. */
export function plain(value, digits = 3) {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : NOT_KNOWN;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** Return a number with so many decimals, with its sign where asked for. */
export function fixed(value, decimals, signed = false) {
  if (!Number.isFinite(value)) return NOT_KNOWN;
  const text = value.toFixed(decimals);
  return signed && value > 0 ? `+${text}` : text;
}

/** Return how many decimals a unit has. */
export function decimalsOf(unit) {
  return unit === "decades" || unit === "share" ? 2 : 3;
}

/** Return "0.10 to 0.20"; "" where there is no interval. */
export function intervalText(low, high, decimals, signed = false) {
  return Number.isFinite(low) ? `${fixed(low, decimals, signed)} to ${fixed(high, decimals, signed)}` : "";
}
