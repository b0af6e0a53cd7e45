/** Whether the ground of the page is light or dark; paper is light. */

const DARK = matchMedia("(prefers-color-scheme: dark)");
let isPrinting = false;

/** Return whether colours have to be read on a dark ground. */
export function isDark() {
  return DARK.matches && !isPrinting;
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
