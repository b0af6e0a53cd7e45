/** Colours on a light ground and on a dark one; paper is light. */

const DARK = matchMedia("(prefers-color-scheme: dark)");
const [LEAST, WHITE] = [0.2, 0.5];
let isPrinting = false;

/** Return a colour as it is read on the ground of the page: on a dark one, what is dark is mixed with white. */
export function onGround(color) {
  const parts = color.match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
  const [red, green, blue] = parts.map((part) => (part / 255) ** 2.2);
  if (isPrinting || !DARK.matches || 0.2126 * red + 0.7152 * green + 0.0722 * blue > LEAST) return color;
  return `rgb(${parts.map((part) => Math.round(part + (255 - part) * WHITE)).join(" ")})`;
}

/** Call back when the ground of the page becomes dark or light; with whether all has to be drawn at once, for paper. */
export function onGroundChange(changed) {
  DARK.addEventListener("change", () => changed(false));
  const print = (now) => () => {
    isPrinting = now;
    changed(now);
  };
  window.addEventListener("beforeprint", print(true));
  window.addEventListener("afterprint", print(false));
}
