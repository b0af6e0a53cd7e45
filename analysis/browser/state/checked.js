/** What of a link can be chosen on this page: a link may be of another sweep, of an older page, or typed by hand. */

const [LEAST, MOST] = [0.5, 0.99];
const KEY = /^[0-9a-f]{16}$/;

/**
 * @param {object} chosen by name, of any type
 * @param {object} header of the page's data
 * @returns {object} those that there are, in a setting that there is
 */
export function checked(chosen, header) {
  const setting = Number.isInteger(chosen.setting) && header.settings[chosen.setting] ? chosen.setting : 0;
  const { seeds, norms, inits, gains, lrs, series, layered, scalars } = header.settings[setting];
  const isOf = (points) => (value) => points.includes(value);
  const isNameOf = (quantities, section) => (value) => quantities.some((one) => one.name === value && (!section || one.section === section));
  const tests = {
    setting: isOf([...header.settings.keys()]),
    norms: isSome(norms),
    seeds: isSome(seeds),
    fraction: (value) => typeof value === "number" && value >= LEAST && value <= MOST,
    bar: isOf(["any", "own"]),
    baseline: isOf(norms.filter((norm) => norm !== header.baseline)), // the declared one is no choice
    init: isOf(inits),
    gain: isOf(gains),
    brush: (value) => Array.isArray(value) && value.length === 2 && value.every(isOf(lrs)) && value[0] <= value[1],
    trial: (value) => typeof value === "string" && KEY.test(value),
    map: isOf(["accuracy", "trains"]),
    measure: isNameOf(header.measures),
    training: isNameOf(series, "training"),
    landscape: isNameOf(series, "landscape"),
    shift: isNameOf(series, "shift"),
    layers: isNameOf(layered),
    against: isNameOf(scalars),
    at: isOf(lrs),
  };
  return Object.fromEntries(Object.entries(chosen).filter(([name, value]) => tests[name](value)));
}

/** Return a test for lists of some of these points, each once. */
function isSome(points) {
  return (value) => Array.isArray(value) && value.length > 0 && new Set(value).size === value.length && value.every((one) => points.includes(one));
}
