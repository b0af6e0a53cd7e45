/** What the reader has chosen: one object, told to every view when it changes, and kept in the page's address. */

/** What is chosen until the reader chooses: as the sweep file declares it. */
const DECLARED = {
  setting: 0,
  norms: null,
  seeds: null,
  fraction: 0.9,
  bar: "any",
  init: null,
  gain: null,
  brush: null,
  trial: null,
  lead: "any",
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
const EXPLORING = ["norms", "seeds", "fraction", "bar"];

/**
 * @param {string} hash the part of the address after "#"
 * @param {(hash: string) => void} keep takes the new one after each change
 */
export function createState(hash, keep) {
  let now = { ...DECLARED, ...fromHash(hash) };
  const listeners = new Set();
  return {
    get: () => now,
    set(changes) {
      const next = { ...now, ...changes };
      const changed = Object.keys(next).filter((name) => JSON.stringify(next[name]) !== JSON.stringify(now[name]));
      if (!changed.length) return;
      now = next;
      keep(toHash(now));
      for (const listener of listeners) listener(new Set(changed));
    },
    reset: () => ({ ...DECLARED }),
    subscribe: (listener) => listeners.add(listener),
    isExploring: () => EXPLORING.some((name) => JSON.stringify(now[name]) !== JSON.stringify(DECLARED[name])),
  };
}

/** Return what differs from the declared as text of an address. */
export function toHash(state) {
  const chosen = Object.entries(state).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(DECLARED[name]));
  return new URLSearchParams(chosen.map(([name, value]) => [name, JSON.stringify(value)])).toString();
}

/** Return what an address chooses; what it names that cannot be chosen is left out. */
export function fromHash(hash) {
  const chosen = {};
  for (const [name, text] of new URLSearchParams(hash)) {
    if (!(name in DECLARED)) continue;
    try {
      chosen[name] = JSON.parse(text);
    } catch {
      continue;
    }
  }
  return chosen;
}
