/** Drawing anew what the reader sees: views beyond the screen wait until they come into it. */

import { onGroundChange } from "../drawing/colours.js";
import { missing } from "../drawing/elements.js";

/**
 * Return `watch(fields, draw, container)`: draw now, and again after any of the fields of the state has changed, which may
 * be a function that returns them, where that hangs on the state. A view
 * with a container is drawn once it comes near the screen, and again where its width changes.
 *
 * @param {object} state
 * @param {(container: Element) => string} whyNot says why a view cannot be drawn; "" where it can
 */
export function createWatch(state, whyNot) {
  const views = [];
  const byContainer = new Map();
  let isAsked = false;
  const fieldsOf = ({ fields }) => (typeof fields === "function" ? fields() : fields);
  const drawNow = (view) => {
    view.isDirty = false;
    const why = view.container ? whyNot(view.container) : "";
    if (why) view.container.replaceChildren(missing(why));
    else view.draw();
  };
  const drawNear = () => {
    isAsked = false;
    for (const view of views) if (view.isDirty && view.isNear) drawNow(view);
  };
  const ask = () => {
    if (!isAsked) requestAnimationFrame(drawNear);
    isAsked = true;
  };
  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) byContainer.get(target).isNear = isIntersecting;
      ask();
    },
    { rootMargin: "600px" },
  );
  const size = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const view = byContainer.get(target);
      if (view.width !== undefined && Math.abs(view.width - contentRect.width) >= 1) view.isDirty = true;
      view.width = contentRect.width;
    }
    ask();
  });
  state.subscribe((changed) => {
    for (const view of views) if (fieldsOf(view).some((field) => changed.has(field))) view.isDirty = true;
    ask();
  });
  onGroundChange((isForPaper) => {
    for (const view of views) view.isDirty = true;
    if (isForPaper) views.forEach(drawNow);
    else ask();
  });
  return (fields, draw, container = null) => {
    const view = { fields, draw, container, isDirty: true, isNear: container === null };
    views.push(view);
    if (!container) return drawNow(view);
    byContainer.set(container, view);
    near.observe(container);
    size.observe(container);
  };
}
