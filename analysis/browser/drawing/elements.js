/** Elements of the page. Whatever a trial says goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Return a new HTML element; attributes that are null, undefined or false are left out, functions listen. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Return a new SVG element. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return a menu of options, of which one is chosen. */
export function menu(label, options, chosen, onChange) {
  const choices = options.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
  const select = element("select", { "data-name": label, change: (event) => onChange(event.target.value) }, choices);
  return element("label", { class: "menu" }, element("span", {}, label), select);
}

/** Put the focus back on the control of the same name after a view has drawn itself anew. */
export function keepingFocus(container, draw) {
  const held = container.contains(document.activeElement) ? document.activeElement.dataset?.name : null;
  draw();
  if (held) container.querySelector(`[data-name="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

/** Return a button that copies a text, and says whether that went well. */
export function copyButton(label, textOf) {
  const copy = async (event) => {
    const button = event.target;
    try {
      await navigator.clipboard.writeText(textOf());
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser did not copy it";
    }
    setTimeout(() => (button.textContent = label), 2000);
  };
  return element("button", { type: "button", "data-name": label, click: copy }, label);
}

/** Return a sentence that stands where nothing can be drawn. */
export function missing(why) {
  return element("p", { class: "missing" }, why);
}
