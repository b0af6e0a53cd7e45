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
  const head = columns.map(({ title, isText }) => element("th", { scope: "col", class: isText ? "text" : null, "data-text": isText === true }, title));
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

/**
 * Let a table be sorted by its headings, and saved under a name by a button after it.
 *
 * @param {HTMLTableElement} table
 * @param {string} name of the file
 * @param {Record<string, unknown>} told columns that the file has besides, with the same value in each row
 * @param {() => string} csv returns what is saved
 */
export function enhance(table, name, told = {}, csv = () => csvOf(table, told)) {
  if (!table.caption) table.setAttribute("aria-label", name.replaceAll("-", " "));
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const press = element("button", { type: "button", class: "sort", click: () => sortBy(table, heading, column) });
    press.append(...heading.childNodes);
    heading.append(press);
  });
  const save = element("button", { type: "button", class: "save", click: () => saveAs(`${name}.csv`, csv()) }, "Save as CSV");
  (table.closest(".wide") ?? table).after(save);
}

function sortBy(table, heading, column) {
  const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", direction);
  const body = table.tBodies[0];
  const sign = direction === "ascending" ? 1 : -1;
  const isText = "text" in heading.dataset;
  const rows = [...body.rows].map((row) => [valueOf(row.cells[column], isText), row]);
  rows.sort(([one], [other]) => (isMissing(one) || isMissing(other) ? isMissing(one) - isMissing(other) : sign * compared(one, other)));
  body.append(...rows.map(([, row]) => row));
}

/** Whether a cell has nothing: such come last, whichever way a table is sorted. */
function isMissing(value) {
  return value === "" || value === "–";
}

function valueOf(cell, isText) {
  const told = cell?.dataset.value ?? cell?.firstChild?.textContent?.trim() ?? "";
  if (isText) return told;
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

/** Return a table as CSV, with further columns of the same value in each row. */
export function csvOf(table, told = {}) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cells = (row) => [...row.cells].map((cell) => quoted(cell.dataset.value ?? cell.innerText.trim().replace(/\s+/g, " ")));
  const more = (row) => Object.entries(told).map(([name, value]) => quoted(String(row.parentNode.tagName === "THEAD" ? name : value)));
  return [...table.rows].map((row) => [...cells(row), ...more(row)].join(",")).join("\n") + "\n";
}

/** Have the browser save a text as a file. */
function saveAs(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
