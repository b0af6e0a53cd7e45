/** Cells of a map, each a learning rate and an initialization, drawn on a canvas. */

import { logScale, lrEdges } from "../drawing/scales.js";

const MAX_RECTANGLES = 20000;

/**
 * Draw values of shape rows x lrs; NaN is left as it is.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{values: ArrayLike<number>, rows: number, lrs: number[], low: number, high: number, colors: Uint8Array}} cells the
 *   first row is drawn at the top; colors: 256 x 3 bytes from low to high
 */
export function drawCells(canvas, { values, rows, lrs, low, high, colors }) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const shade = (value) => 3 * Math.max(0, Math.min(255, Math.floor(((value - low) / (high - low || 1)) * 256)));
  if (rows * lrs.length > MAX_RECTANGLES) drawPixels(pen, canvas, { values, rows, num: lrs.length, colors, shade });
  else drawRectangles(pen, canvas, { values, rows, lrs, colors, shade });
}

function drawRectangles(pen, canvas, { values, rows, lrs, colors, shade }) {
  const edges = edgesIn(lrs, canvas.width);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [row, row + 1].map((edge) => Math.round((edge * canvas.height) / rows));
    for (let l = 0; l < lrs.length; l++) {
      const value = values[row * lrs.length + l];
      if (Number.isNaN(value)) continue;
      const k = shade(value);
      pen.fillStyle = `rgb(${colors[k]} ${colors[k + 1]} ${colors[k + 2]})`;
      pen.fillRect(edges[l], top, edges[l + 1] - edges[l], bottom - top);
    }
  }
}

/** Draw one pixel a cell, scaled to the canvas: learning rates so many are evenly spaced to the eye. */
function drawPixels(pen, canvas, { values, rows, num, colors, shade }) {
  const image = new ImageData(num, rows);
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    const from = shade(values[k]);
    image.data[4 * k] = colors[from];
    image.data[4 * k + 1] = colors[from + 1];
    image.data[4 * k + 2] = colors[from + 2];
    image.data[4 * k + 3] = 255;
  }
  const sheet = new OffscreenCanvas(num, rows);
  sheet.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = canvas.width < num;
  pen.drawImage(sheet, 0, 0, canvas.width, canvas.height);
}

/** Return the edges of the cells in pixels, one more than there are learning rates. */
function edgesIn(lrs, width) {
  const edges = lrEdges(lrs);
  const scale = logScale([edges[0], edges.at(-1)], [0, width]);
  return edges.map((edge) => Math.round(scale.at(edge)));
}

/** Return the row and column at a place of the canvas, in shares of its width and height; null outside. */
export function cellAt(lrs, rows, x, y) {
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return null;
  const edges = edgesIn(lrs, 10000);
  const column = edges.findIndex((edge) => edge > x * 10000) - 1;
  return column < 0 ? null : { row: Math.floor(y * rows), column };
}
