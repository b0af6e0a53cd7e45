/** The mark of exploration: what is shown is not what the sweep file declares. */

import { element } from "../drawing/elements.js";

/** Say in a container, while anything is chosen that moves measures, what that is, and that verdicts stay. */
export function exploring(container, page) {
  page.watch(["norms", "seeds", "fraction", "bar", "baseline", "setting"], () => {
    const is = page.state.isExploring();
    container.hidden = !is;
    if (!is) return container.replaceChildren();
    const told = `${chosen(page).join("; ")}. Measures and intervals follow; the headline, the verdicts and the figures for a paper stay those declared.`;
    container.replaceChildren(element("strong", {}, "Exploration: "), told);
  });
}

/** Return in words what differs from what is declared. */
function chosen(page) {
  const { fraction, bar } = page.state.get();
  const { norms, seeds } = page.current();
  const is = (name) => !page.state.isDeclared(name);
  return [
    is("norms") && `modes ${norms.join(", ")}`,
    is("seeds") && `seeds ${seeds.join(", ")}`,
    (is("fraction") || is("bar")) && `a run trains from ${Math.round(100 * fraction)} % of ${bar === "own" ? "its mode's own best" : "the best of these modes"}`,
    is("baseline") && `compared with ${page.baseline()}`,
  ].filter(Boolean);
}
