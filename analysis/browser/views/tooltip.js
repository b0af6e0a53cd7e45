/** What is under the pointer, in words beside it; and the same told to those who hear the page. */

import { element } from "../drawing/elements.js";

const AWAY = 14;

/** Return `hint`, which has a mark say what it is while the pointer is on it, and `say`, which tells words beside a place until `held` loses the focus. */
export function createTooltip(body, live) {
  const box = element("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
  body.append(box);
  const hide = () => (box.hidden = true);
  const show = (lines, x, y) => {
    if (!lines) return hide();
    box.replaceChildren(...lines.map((line, k) => element(k ? "span" : "strong", {}, line)));
    box.hidden = false;
    const left = Math.min(x + AWAY, document.documentElement.clientWidth - box.offsetWidth - 4);
    const top = y + AWAY + box.offsetHeight > window.innerHeight ? y - AWAY - box.offsetHeight : y + AWAY;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, top)}px`;
  };
  const hint = (mark, words) => {
    const tell = (event) => show(words(event), event.clientX, event.clientY);
    mark.addEventListener("pointermove", tell);
    mark.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hide());
    mark.addEventListener("pointerup", (event) => event.pointerType === "touch" && tell(event)); // it stays until the next tap
  };
  body.addEventListener("pointerdown", hide);
  const say = (words, beside, held = beside) => {
    live.textContent = words;
    const { left, top } = beside.getBoundingClientRect();
    show([words], left, top);
    held.addEventListener("blur", hide, { once: true });
  };
  return { hint, say };
}
