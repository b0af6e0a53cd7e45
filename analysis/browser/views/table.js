/** Tables that sort by a click on a heading, and that are saved as CSV. */

import { element } from "../drawing/elements.js";

/**
 * Return a table.
 *
 * @param {string} caption what it holds, for those who hear it
 * @param {{title: string, isText?: boolean}[]} columns
 * @param {{text: string, value: number | string}[][]} rows what is read, and what is sorted by and saved
 */
export function tableOf(caption, columns, rows) {
  const head = columns.map(({ title, isText }) => element("th", { scope: "col", class: isText ? "text" : null }, title));
  const cell = ({ text, value }, k) => element("td", { class: columns[k].isText ? "text" : null, "data-value": value }, text);
  const lines = rows.map((row) => element("tr", {}, row.map(cell)));
  return element(
    "table",
    {},
    element("caption", { class: "heard" }, caption),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, lines),
  );
}

/** Let a table be sorted by its headings, and saved under a name by a button after it. */
export function enhance(table, name) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const press = element("button", { type: "button", class: "sort", click: () => sortBy(table, heading, column) });
    press.append(...heading.childNodes);
    heading.append(press);
  });
  const save = element("button", { type: "button", class: "save", click: () => saveAs(`${name}.csv`, csvOf(table)) }, "Save as CSV");
  (table.closest(".wide") ?? table).after(save);
}

function sortBy(table, heading, column) {
  const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", direction);
  const body = table.tBodies[0];
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
  rows.sort(([one], [other]) => sign * compared(one, other));
  body.append(...rows.map(([, row]) => row));
}

function valueOf(cell) {
  const told = cell?.dataset.value ?? cell?.firstChild?.textContent?.trim() ?? "";
  const number = Number(told.replace("−", "-"));
  return told !== "" && !Number.isNaN(number) ? number : told;
}

/** Order numbers by size, before texts, which are ordered as in a dictionary. */
function compared(one, other) {
  const [isNumber, isOther] = [typeof one === "number", typeof other === "number"];
  if (isNumber && isOther) return one - other;
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  return one.localeCompare(other);
}

function csvOf(table) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cells = (row) => [...row.cells].map((cell) => quoted(cell.dataset.value ?? cell.innerText.trim().replace(/\s+/g, " ")));
  return [...table.rows].map((row) => cells(row).join(",")).join("\n") + "\n";
}

/** Have the browser save a text as a file. */
export function saveAs(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
