/** The data of the page: gzip of a header in JSON and of the typed arrays that it names, written by analysis/report/payload. */

const TYPES = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };

/**
 * Decode the text of the page's data element.
 *
 * @param {string} text base64
 * @returns {Promise<{header: object, array: (name: string) => Float32Array | Float64Array | Uint8Array | null}>}
 *   the header, and an array by its name; null where there is none
 */
export async function readPayload(text) {
  const unpacked = new Blob([bytesOf(text.trim())]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(unpacked).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const start = aligned(8 + length);
  const array = (name) => {
    const [type, offset, count] = header.arrays[name] ?? [];
    return type ? new TYPES[type](buffer, start + offset, count) : null;
  };
  return { header, array };
}

/** Round up to a multiple of 8, where every type may begin. */
function aligned(position) {
  return Math.ceil(position / 8) * 8;
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}
