/** The mark of exploration: what is shown is not what the sweep file declares. */

import { element } from "../drawing/elements.js";

/** Say in a container, while anything is chosen that moves measures, that verdicts stay those declared. */
export function exploring(container, page) {
  page.watch(["norms", "seeds", "fraction", "bar", "setting"], () => {
    const is = page.state.isExploring();
    container.hidden = !is;
    if (!is) return container.replaceChildren();
    const told = "modes, seeds or what counts as training are of your choosing. Measures and intervals follow; the headline, the verdicts and the figures for a paper stay those declared.";
    container.replaceChildren(element("strong", {}, "Exploration: "), told);
  });
}
