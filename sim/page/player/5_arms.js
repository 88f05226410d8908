// One panel an arm: its picture on the clock's day (and on another day beside it), its size, what it is given, and its end.

const GLOW_D = 3;

class ArmPanel {
  /** @param {any} arm @param {Player} player */
  constructor(arm, player) {
    this.arm = arm;
    this.player = player;
    this.views = [0, 1].map(() => this.makeView());
    this.given = make("p", { class: "given" });
    this.size = make("span", { class: "size" });
    this.bar = make("span", { class: "bar" });
    this.barWords = make("span", { class: "bar-words" });
    const note = arm.note ? [make("p", { class: "note" }, arm.note)] : [];
    this.element = make("article", { class: "arm", style: `--arm:${arm.colour}` },
      make("header", {}, make("h3", {}, swatch(arm.colour), " ", arm.label), ...note, this.given),
      make("div", { class: "frame" }, ...this.views.map((view) => view.element)),
      make("div", { class: "measure" }, this.bar, this.size, this.barWords));
  }

  makeView() {
    const canvas = make("canvas", { role: "img", tabindex: "0" });
    const day = make("p", { class: "day", hidden: true });
    const end = make("p", { class: "end", hidden: true });
    const cross = make("i", { class: "cross", hidden: true, "aria-hidden": "true" });
    const view = { canvas, day, end, cross, element: make("div", {}, canvas, cross, day, end), site: /** @type {number[]|null} */ (null), index: 0 };
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.point(view, event));
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.point(view, event));
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.movePointer(view, event));
    return view;
  }

  /** Which picture an arm shows for a place of the clock, null without pictures. @param {number} index */
  picture(index) {
    const section = this.arm.sections[this.player.lesion];
    return section ? section.at[Math.min(index, section.at.length - 1)] : null;
  }

  /** Draw both views from codes that are at hand. @param {(Uint8Array|null)[]} codes @param {number[]} indices */
  show(codes, indices) {
    const { player, arm } = this;
    const section = arm.sections[player.lesion];
    const shape = section?.planes[player.layer.plane];
    this.views.forEach((view, number) => {
      view.element.hidden = number >= indices.length;
      if (view.element.hidden || !codes[number] || !shape) return;
      view.index = indices[number];
      const day = player.clock.days[view.index];
      paint(view.canvas, codes[number], shape, player.layer);
      view.canvas.classList.toggle("reduced", shape.width > view.canvas.clientWidth * (window.devicePixelRatio || 1));
      view.day.hidden = indices.length < 2;
      view.day.textContent = `day ${Math.round(day)}`;
      view.canvas.setAttribute("aria-label", `${player.layer.title} of ${player.lesionLabel()}, ${arm.label}, ${player.clock.words(day)}`);
      const end = this.endWords(day);
      view.end.hidden = !end;
      view.end.textContent = end;
      view.element.classList.toggle("over", Boolean(end));
    });
    if (!section) this.views[0].end.textContent = "no pictures recorded";
    const index = indices[indices.length - 1];
    this.showMeasures(player.clock.days[index], section, shape, this.picture(index) ?? 0);
  }

  /** What stands on a picture after the arm's end. @param {number} day */
  endWords(day) {
    const { arm } = this;
    if (arm.ended_d !== null && day >= arm.ended_d) return `Died: lethal burden reached on day ${Math.round(arm.ended_d)}`;
    return day > arm.end_d + 0.51 ? `The run ends on day ${Math.round(arm.end_d)}` : "";
  }

  /** @param {number} day @param {any} section @param {any} shape @param {number} picture */
  showMeasures(day, section, shape, picture) {
    const { arm, player } = this;
    const shown = Math.min(day, arm.end_d);
    const size = valueAt(arm.curves[player.lesion].longest_diameter_cm, shown);
    this.size.textContent = size === null ? "" : size >= arm.detection_limit_cm ? `Ø ${size.toFixed(1)} cm` : "not visible on a scan";
    if (section && shape) {
      const bar_um = player.data.bar_um;
      const share = bar_um / (shape.width * shape.step * section.site_um);
      this.bar.style.width = `${100 * Math.min(share, 1) * (this.views[1].element.hidden ? 1 : 0.5)}%`;
      const length = bar_um * 1e-4 * section.scale[picture];
      this.barWords.textContent = `bar: ${bar_um} µm here, ${Number(length.toPrecision(2))} cm in the patient`;
    }
    const on = this.endWords(day) ? [] : player.data.calendar.filter((/** @type {any} */ line) => !line.is_scan && line.arms.includes(arm.name)
      && (!line.lesion || line.lesion === player.lesion) && isOn(line, day));
    this.given.replaceChildren(on.length ? "now: " : "", make("b", {}, [...new Set(on.map((/** @type {any} */ line) => line.label))].join(", ")));
  }

  /** @param {any} view @param {PointerEvent} event */
  point(view, event) {
    const box = view.canvas.getBoundingClientRect();
    view.site = [Math.floor(((event.clientX - box.left) / box.width) * view.canvas.width), Math.floor(((event.clientY - box.top) / box.height) * view.canvas.height)];
    this.read(view);
  }

  /** @param {any} view @param {KeyboardEvent} event */
  movePointer(view, event) {
    const step = /** @type {any} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const { width, height } = view.canvas;
    const pace = Math.max(1, Math.round(width / 60)) * (event.shiftKey ? 5 : 1);
    const [x, y] = view.site ?? [Math.floor(width / 2), Math.floor(height / 2)];
    view.site = [Math.max(0, Math.min(width - 1, x + step[0] * pace)), Math.max(0, Math.min(height - 1, y + step[1] * pace))];
    this.read(view);
  }

  /** Tell what stands at the pointer: class, vessel, T cell, oxygen. @param {any} view */
  async read(view) {
    const { player, arm } = this;
    const picture = this.picture(view.index);
    if (picture === null || !view.site) return;
    const [x, y] = [view.site[0] / view.canvas.width, view.site[1] / view.canvas.height];
    const codes = await Promise.all(["sites", "oxygen"].map(async (plane) => {
      const shape = player.planes.shape(arm, player.lesion, plane);
      const pictures = await player.planes.picture(arm, player.lesion, plane, picture);
      return pictures[Math.min(shape.height - 1, Math.floor(y * shape.height)) * shape.width + Math.min(shape.width - 1, Math.floor(x * shape.width))];
    }));
    player.readout(`${arm.label}, day ${Math.round(player.clock.days[view.index])}: ${siteWords(codes[0], player.data.site_words)}; oxygen ${oxygenWords(codes[1])}`);
    view.cross.hidden = false;
    view.cross.style.left = `${100 * (view.site[0] + 0.5) / view.canvas.width}%`;
    view.cross.style.top = `${100 * (y + 0.5 / view.canvas.height) * (view.canvas.clientHeight / view.element.clientHeight)}%`;
  }
}

/** Whether a treatment is on: fractions glow over a weekend, doses until the next is due. @param {any} line @param {number} day */
function isOn(line, day) {
  const { times } = line;
  const gaps = times.slice(1).map((/** @type {number} */ t, /** @type {number} */ i) => t - times[i]).sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
  const lasts = line.is_radiotherapy || !gaps.length ? GLOW_D : gaps[Math.floor(gaps.length / 2)] + 0.5;
  return times.some((/** @type {number} */ t) => t <= day + 0.5 && t > day - lasts);
}

/** @param {number} code @param {any} words */
function siteWords(code, words) {
  const parts = [words.classes[Math.min(code & 7, words.classes.length - 1)], words.vessels[(code >> words.vessel_at) & 3], words.t_cells[code >> words.t_cell_at]];
  return parts.filter(Boolean).join(" with ");
}

/** @param {number} level whole mmHg */
function oxygenWords(level) { return level >= 40 ? "40 mmHg or more" : level === 0 ? "below 1 mmHg" : `${level} to ${level + 1} mmHg`; }
