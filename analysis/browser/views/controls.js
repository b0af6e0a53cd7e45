/** What the reader chooses from: setting, modes, seeds, initialization, and what counts as training. */

import { copyButton, element, keepingFocus, menu } from "../drawing/elements.js";
import { plain } from "../drawing/numbers.js";

const MAX_SEEDS_SHOWN = 12;

/** Draw the controls into a container, and anew with each change of what they show. */
export function controls(container, page) {
  const draw = () => keepingFocus(container, () => container.replaceChildren(...parts(page).filter(Boolean)));
  page.watch(["setting", "norms", "seeds", "bar", "baseline", "init", "gain"], draw);
  page.watch(["fraction"], () => tellFraction(container, page)); // in place: a slider that is dragged must stay
}

function tellFraction(container, page) {
  const percent = Math.round(100 * page.state.get().fraction);
  const slider = container.querySelector('[data-name="fraction"]');
  if (Number(slider.value) !== percent) slider.value = percent;
  container.querySelector("output").textContent = `${percent} %`;
}

function parts(page) {
  const { grid } = page.setting();
  return [
    settings(page),
    choices(page, "Modes", "norms", grid.norms, (norm) => page.look(norm).name, (norm) => page.look(norm).color),
    grid.seeds.length > 1 ? seeds(page, grid) : null,
    threshold(page),
    grid.norms.length > 1 ? baseline(page, grid) : null,
    initialization(page, "init", "Initializer", grid.inits, (init) => init),
    initialization(page, "gain", "Init gain", grid.gains, (gain) => plain(gain)),
    element("div", { class: "buttons" }, resetButton(page), copyButton("Copy link to this view", () => location.href)),
  ];
}

function settings(page) {
  const labels = page.header.settings.map(({ label }, k) => [String(k), label]);
  if (labels.length < 2) return null;
  const choose = (index) => page.state.set({ setting: Number(index), norms: null, seeds: null, baseline: null, init: null, gain: null, trial: null, at: null, brush: null });
  return menu("Setting", labels, String(page.state.get().setting), choose);
}

/** Return a box for each of some names, of which at least one stays chosen; null is all of them. */
function choices(page, title, field, names, textOf, colorOf) {
  const chosen = page.state.get()[field] ?? names;
  const toggle = (name, box) => {
    const next = names.filter((other) => (other === name ? !chosen.includes(name) : chosen.includes(other)));
    if (next.length) page.state.set({ [field]: next.length === names.length ? null : next });
    else box.checked = true;
  };
  const box = (name) =>
    element(
      "label",
      { class: "chip", style: colorOf ? `--mode: ${colorOf(name)}` : null },
      element("input", { type: "checkbox", checked: chosen.includes(name), "data-name": `${field} ${name}`, change: (event) => toggle(name, event.target) }),
      textOf(name),
    );
  return element("fieldset", {}, element("legend", {}, title), names.map(box));
}

function seeds(page, grid) {
  if (grid.seeds.length <= MAX_SEEDS_SHOWN) return choices(page, "Seeds", "seeds", grid.seeds, String);
  const options = grid.seeds.map((_, k) => [String(k + 1), k + 1 === grid.seeds.length ? `all ${k + 1}` : `the first ${k + 1}`]);
  const chosen = page.current().seeds;
  const count = chosen.every((seed, k) => seed === grid.seeds[k]) ? chosen.length : "";
  if (!count) options.unshift(["", chosen.join(", ")]);
  const choose = (text) => page.state.set({ seeds: Number(text) === grid.seeds.length ? null : grid.seeds.slice(0, Number(text)) });
  return menu("Seeds", options, String(count), choose);
}

function threshold(page) {
  const { fraction, bar } = page.state.get();
  const told = element("output", {}, `${Math.round(100 * fraction)} %`);
  const slider = element("input", {
    type: "range",
    min: 50,
    max: 99,
    step: 1,
    value: Math.round(100 * fraction),
    "aria-label": `A run trains from this share of the best ${page.header.score} on, in percent`,
    "data-name": "fraction",
    input: (event) => page.state.set({ fraction: Number(event.target.value) / 100 }),
  });
  const best = (value, words) =>
    element(
      "label",
      { class: "chip" },
      element("input", { type: "radio", name: "bar", checked: bar === value, "data-name": `bar ${value}`, change: () => page.state.set({ bar: value }) }),
      words,
    );
  const legend = element("legend", {}, "A run trains from");
  return element("fieldset", {}, legend, slider, told, " of ", best("any", "the best of these modes"), best("own", "its mode's own best"));
}

/** Return a menu of the mode that the others are compared with; the one declared first. */
function baseline(page, { norms }) {
  const declared = page.header.baseline;
  const first = norms.includes(declared) ? `${page.look(declared).name}, as declared` : "no mode";
  const others = norms.filter((norm) => norm !== declared).map((norm) => [norm, page.look(norm).name]);
  return menu("Compared with", [["", first], ...others], page.state.get().baseline ?? "", (norm) => page.state.set({ baseline: norm || null }));
}

function initialization(page, field, title, points, textOf) {
  if (points.length < 2) return null;
  const options = [["", `all ${points.length}`], ...points.map((point) => [String(point), textOf(point)])];
  const choose = (text) => page.state.set({ [field]: points.find((point) => String(point) === text) ?? null });
  return menu(title, options, String(page.state.get()[field] ?? ""), choose);
}

function resetButton(page) {
  return element("button", { type: "button", "data-name": "reset", click: page.state.reset }, "As declared");
}
