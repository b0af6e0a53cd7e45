/** The trials that are chosen, as a table. */

import { keyOf, placeOf } from "../data/setting.js";
import { element } from "../drawing/elements.js";
import { fixed, plain } from "../drawing/numbers.js";
import { rates } from "./series.js";
import { csvOf, enhance, tableOf } from "./table.js";

const MOST = 200;
const COLUMNS = ["trial", "norm", "init", "gain", "lr", "seed", "ended"];

/** Draw the table into a container, and anew with each change. */
export function trials(container, page) {
  page.watch(["setting", "norms", "seeds", "init", "gain", "brush", "at"], () => {
    const { status } = page.setting();
    const lrs = rates(page);
    const cells = page.current().norms.flatMap((norm) => page.cellsOf(norm, lrs)).filter((cell) => status[cell] !== 0);
    const more = cells.length > MOST ? ` The first ${MOST} of ${cells.length}; what is saved has all of these, figures/trials.csv all of the sweep.` : "";
    container.replaceChildren(
      element("p", {}, `At the learning rate, or the range, that the views above show.${more}`),
      element("div", { class: "wide" }, table(page, cells.slice(0, MOST))),
    );
    const every = () => csvOf(table(page, cells));
    enhance(container.querySelector("table"), `${page.header.name}-trials`, {}, every);
  }, container);
}

function table(page, cells) {
  const setting = page.setting();
  const columns = [...COLUMNS, page.header.score].map((title, k) => ({ title, isText: k < 3 || title === "ended" }));
  const rows = cells.map((cell) => {
    const key = keyOf(setting, cell);
    const { norm, init, gain, lr, seed } = placeOf(setting.grid, cell);
    const score = setting.grid.accuracy[cell];
    const open = element("button", { type: "button", class: "trial-key", click: () => page.open([cell]) }, key);
    return [
      { text: open, value: key },
      { text: norm, value: norm },
      { text: init, value: init },
      { text: plain(gain), value: gain },
      { text: plain(lr), value: lr },
      { text: String(seed), value: seed },
      { text: page.header.statuses[setting.status[cell]], value: page.header.statuses[setting.status[cell]] },
      { text: fixed(score, 3), value: Number.isFinite(score) ? score : "" },
    ];
  });
  return tableOf("Trials", columns, rows);
}
