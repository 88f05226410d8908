// Pictures of sections: fetched from the page itself or from the server, unpacked a chunk at a time, kept while there is room.

const MOST_KEPT_BYTES = 400e6;

class Planes {
  /** @param {any} data the page's data; with `data.live` or `data.server` chunks come from the server */
  constructor(data) {
    this.data = data;
    /** @type {Map<string, {pictures: Uint8Array|null, waiting: Promise<Uint8Array>}>} */
    this.kept = new Map();
    this.bytes = 0;
  }

  /** The shape of a plane of an arm's lesion, null where it has none. @param {any} arm @param {string} lesion @param {string} plane */
  shape(arm, lesion, plane) { return arm.sections[lesion]?.planes[plane] ?? null; }

  /**
   * One picture; at once if its chunk is here, else as a promise.
   * @param {any} arm @param {string} lesion @param {string} plane @param {number} picture
   * @returns {Uint8Array|Promise<Uint8Array>}
   */
  picture(arm, lesion, plane, picture) {
    const shape = this.shape(arm, lesion, plane);
    const number = Math.floor(picture / shape.per_chunk);
    const size = shape.height * shape.width;
    const first = (picture % shape.per_chunk) * size;
    const entry = this.chunk(arm, lesion, plane, number, size);
    if (picture % shape.per_chunk >= shape.per_chunk / 2 && (number + 1) * shape.per_chunk < shape.n) {
      this.chunk(arm, lesion, plane, number + 1, size);
    }
    if (entry.pictures) return entry.pictures.subarray(first, first + size);
    return entry.waiting.then((pictures) => pictures.subarray(first, first + size));
  }

  /** @param {any} arm @param {string} lesion @param {string} plane @param {number} number @param {number} size */
  chunk(arm, lesion, plane, number, size) {
    const shape = this.shape(arm, lesion, plane);
    const last = Math.min(shape.n, (number + 1) * shape.per_chunk);
    const key = [arm.name, lesion, plane, number, last].join("/");
    let entry = this.kept.get(key);
    if (entry) {
      this.kept.delete(key);
      this.kept.set(key, entry);
      return entry;
    }
    const made = { pictures: /** @type {Uint8Array|null} */ (null), waiting: this.unpacked(arm, shape, lesion, plane, number, size) };
    made.waiting = made.waiting.then((pictures) => {
      made.pictures = pictures;
      this.bytes += pictures.length;
      this.makeRoom();
      return pictures;
    });
    this.kept.set(key, made);
    return made;
  }

  makeRoom() {
    for (const [key, entry] of this.kept) {
      if (this.bytes <= MOST_KEPT_BYTES) return;
      if (!entry.pictures) continue;
      this.bytes -= entry.pictures.length;
      this.kept.delete(key);
    }
  }

  /**
   * @param {any} arm @param {any} shape @param {string} lesion @param {string} plane @param {number} number @param {number} size
   * @returns {Promise<Uint8Array>}
   */
  async unpacked(arm, shape, lesion, plane, number, size) {
    let stream;
    if (shape.chunks) {
      const text = atob(shape.chunks[number]);
      const packed = new Uint8Array(text.length);
      for (let i = 0; i < packed.length; i += 1) packed[i] = text.charCodeAt(i);
      stream = new Blob([packed]).stream();
    } else {
      const words = [arm.name, lesion, plane, number].map(encodeURIComponent).join("/");
      const answer = await fetch(`chunk/${words}`);
      if (!answer.ok || !answer.body) throw new Error(`no pictures: ${answer.status}`);
      stream = answer.body;
    }
    const pictures = new Uint8Array(await new Response(stream.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
    for (let i = size; i < pictures.length; i += 1) pictures[i] ^= pictures[i - size];
    return pictures;
  }
}

/** A layer's colours as a table for image data. @param {any} layer @returns {Uint32Array} */
function colourTable(layer) {
  const table = new Uint32Array(256);
  for (let code = 0; code < 256; code += 1) {
    const at = Math.min(code, layer.colours.length / 6 - 1) * 6;
    table[code] = pixel(layer.colours.slice(at, at + 6));
  }
  return table;
}

/** @param {string} digits six hexadecimal digits */
function pixel(digits) {
  const [red, green, blue] = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * Paint a picture on a canvas, a pixel for a code, and outline what lies below the layer's limit.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} codes @param {any} shape @param {any} layer
 */
function paint(canvas, codes, shape, layer) {
  if (canvas.width !== shape.width || canvas.height !== shape.height) {
    canvas.width = shape.width;
    canvas.height = shape.height;
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const own = /** @type {any} */ (canvas);
  if (!own.image || own.image.width !== shape.width || own.image.height !== shape.height) own.image = context.createImageData(shape.width, shape.height);
  const out = new Uint32Array(own.image.data.buffer);
  layer.table ??= colourTable(layer);
  const table = layer.table;
  for (let i = 0; i < codes.length; i += 1) out[i] = table[codes[i]];
  if (layer.line_below) outline(out, codes, shape.width, layer.line_below, pixel(layer.line_colour.slice(1)));
  context.putImageData(own.image, 0, 0);
}

/** @param {Uint32Array} out @param {Uint8Array} codes @param {number} width @param {number} limit @param {number} colour */
function outline(out, codes, width, limit, colour) {
  for (let i = 0; i < codes.length; i += 1) {
    const low = codes[i] < limit;
    if ((i + 1) % width && low !== codes[i + 1] < limit) out[i] = colour;
    else if (i + width < codes.length && low !== codes[i + width] < limit) out[i] = colour;
  }
}
