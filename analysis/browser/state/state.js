/** What the reader has chosen: one object, told to every view when it changes, and kept in the page's address. */

/** What is chosen until the reader chooses: as the sweep file declares it. */
const DECLARED = {
  setting: 0,
  norms: null,
  seeds: null,
  fraction: 0.9,
  bar: "any",
  baseline: null,
  init: null,
  gain: null,
  brush: null,
  trial: null,
  map: "accuracy",
  measure: "mean_accuracy",
  training: null,
  landscape: null,
  shift: null,
  layers: null,
  against: null,
  at: null,
};

/** Of these measures and intervals depend; the others only change what is looked at. */
const EXPLORING = ["norms", "seeds", "fraction", "bar", "baseline"];
const NARROWING = ["init", "gain", "brush"];
const KEEP_AFTER_MS = 250;

/**
 * @param {(chosen: object) => object} checked takes what an address says, and returns what of it can be chosen
 * @returns {object} get, set(changes), reset, subscribe(listener), isExploring; the state begins with the page's address; Back takes
 *   a choice back
 */
export function createState(checked) {
  let now = { ...DECLARED, ...checked(fromHash(location.hash.slice(1))) };
  const listeners = new Set();
  let later = 0;
  const follow = () => {
    state.set({ ...DECLARED, ...checked(fromHash(location.hash.slice(1))) });
    keep("replaceState"); // an entry of the history must not lead to another
  };
  const keep = (how) => {
    clearTimeout(later); // browsers refuse hundreds of addresses in a row, and a drag is one step back
    later = setTimeout(() => {
      const hash = toHash(now);
      if (hash !== location.hash.slice(1)) history[how](null, "", hash ? `#${hash}` : location.pathname + location.search);
    }, KEEP_AFTER_MS);
  };
  const state = {
    get: () => now,
    set(changes) {
      const changed = Object.keys(changes).filter((name) => !same(changes[name], now[name]));
      if (!changed.length) return;
      now = { ...now, ...changes };
      keep("pushState");
      for (const listener of listeners) listener(new Set(changed));
    },
    reset: () => state.set(Object.fromEntries([...EXPLORING, ...NARROWING].map((name) => [name, DECLARED[name]]))),
    subscribe: (listener) => listeners.add(listener),
    isExploring: () => EXPLORING.some((name) => !same(now[name], DECLARED[name])),
    isDeclared: (name) => same(now[name], DECLARED[name]),
  };
  window.addEventListener("hashchange", follow);
  return state;
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Return what differs from the declared as text of an address. */
function toHash(state) {
  const chosen = Object.entries(state).filter(([name, value]) => !same(value, DECLARED[name]));
  return new URLSearchParams(chosen.map(([name, value]) => [name, JSON.stringify(value)])).toString();
}

/** Return what an address says, by name; what is no JSON is left out. */
function fromHash(hash) {
  const chosen = {};
  for (const [name, text] of new URLSearchParams(hash)) {
    if (!Object.hasOwn(DECLARED, name)) continue;
    try {
      chosen[name] = JSON.parse(text);
    } catch {
      continue;
    }
  }
  return chosen;
}
