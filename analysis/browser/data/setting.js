/** One setting of the sweep: its grid of scores, and what was measured on the way. */

/**
 * @param {object} payload what readPayload returned
 * @param {number} index which setting
 * @returns {object} the grid of the measures (arrays of shape S,N,I,G,L: seeds, norms, inits, gains, learning rates), and
 *   `keys`, 8 bytes a trial, `series`, values over steps by quantity, and `layered`, values by layer
 */
export function settingOf(payload, index) {
  const part = payload.header.settings[index];
  const array = (name) => payload.array(`${index}/${name}`);
  const { seeds, norms, inits, gains, lrs, addedLrs, chance } = part;
  const grid = { seeds, norms, inits, gains, lrs, addedLrs, chance, accuracy: array("accuracy") };
  grid.diverged = divergedOf(array("status"), payload.header.statuses);
  grid.loss = array("loss");
  grid.initialLoss = array("initial_loss");
  const withValues = (all) => all.map((one) => ({ ...one, values: array(one.name) }));
  return {
    index,
    label: part.label,
    grid,
    status: array("status"),
    keys: array("keys"),
    series: withValues(part.series),
    layered: withValues(part.layered),
    scalars: withValues(part.scalars),
    absent: part.absent,
  };
}

/** Return 1 where a trial diverged, 0 where it did not, NaN where there is none. */
function divergedOf(status, names) {
  const diverged = new Float32Array(status.length);
  const lost = names.indexOf("diverged");
  for (let k = 0; k < status.length; k++) diverged[k] = status[k] === 0 ? NaN : Number(status[k] === lost);
  return diverged;
}

/** Return the position of a trial in the arrays of the setting, from its place on each axis. */
export function cellOf(grid, s, n, i, g, l) {
  const { norms, inits, gains, lrs } = grid;
  return (((s * norms.length + n) * inits.length + i) * gains.length + g) * lrs.length + l;
}

/** Return what the trial at a position is: seed, norm, init, gain and lr. */
export function placeOf(grid, cell) {
  const sizes = [grid.lrs, grid.gains, grid.inits, grid.norms, grid.seeds];
  const [lr, gain, init, norm, seed] = sizes.map((points) => {
    const point = points[cell % points.length];
    cell = Math.floor(cell / points.length);
    return point;
  });
  return { seed, norm, init, gain, lr };
}

/** Return the key of a trial as it is written, "" where there is no trial. */
export function keyOf(setting, cell) {
  if (setting.status[cell] === 0) return "";
  return [...setting.keys.subarray(8 * cell, 8 * cell + 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return the position of the trial whose key is written so; -1 where there is none. */
export function cellOfKey(setting, key) {
  const bytes = key.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
  for (let cell = 0; bytes.length === 8 && cell < setting.status.length; cell++) {
    if (setting.status[cell] !== 0 && bytes.every((byte, k) => setting.keys[8 * cell + k] === byte)) return cell;
  }
  return -1;
}
