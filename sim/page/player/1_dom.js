// Small words for making elements. Text is always text: nothing of a page's data is read as markup.

/** @param {string} id */
function byId(id) { return /** @type {any} */ (document.getElementById(id)); }

/**
 * Make an element with attributes and children; an attribute that is false or null is left out.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string)} children
 */
function make(tag, attributes = {}, ...children) {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** A square of colour for a legend. @param {string} colour */
function swatch(colour) { return make("i", { class: "swatch", style: `background:${colour}`, "aria-hidden": "true" }); }

/** Paragraphs of a text; blank lines part them, **stars** make bold. @param {string} text */
function paragraphs(text) {
  return text.trim().split(/\n\s*\n/).map((one) => make("p", {}, ...one.split("**").map((part, index) =>
    index % 2 ? make("strong", {}, part) : document.createTextNode(part.replace(/\s*\n\s*/g, " ")))));
}

/** A number of a series as words: few digits, powers of ten for cells. @param {number|null|undefined} value */
function spoken(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e5) {
    const power = Math.floor(Math.log10(size));
    return `${(value / 10 ** power).toFixed(1)} × 10${[...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
  }
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}
