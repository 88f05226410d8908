// The player: which lesion, layer, arms and day are shown, and the order in which everything is drawn.

class Player {
  /** @param {any} data */
  constructor(data) {
    this.data = data;
    this.clock = new Clock(data);
    this.planes = new Planes(data);
    this.isLive = Boolean(data.live);
    this.lesion = data.lesion;
    this.layer = data.layers[0];
    this.index = 0;
    /** @type {number|null} */
    this.other = null;
    this.shown = new Set(data.arms.slice(0, 8).map((/** @type {any} */ arm) => arm.name));
    /** @type {Map<string, ArmPanel>} */
    this.panels = new Map(data.arms.map((/** @type {any} */ arm) => [arm.name, new ArmPanel(arm, this)]));
    this.asked = 0;
    this.drawn = 0;
    this.transport = new Transport(this);
    this.makeChoices();
    this.makeArmChoice();
    this.makeCharts();
    byId("notes").replaceChildren(...data.notes.map((/** @type {string} */ note) => make("li", {}, note)));
    byId("made").textContent = `${data.disclaimer}. LesionLab ${data.made.code_version}, seed ${data.made.seed}.`;
    this.readout("Point at a picture, or focus it and use the arrow keys, to read a site.");
    window.addEventListener("resize", () => this.drawCharts());
  }

  arms() { return this.data.arms.filter((/** @type {any} */ arm) => this.shown.has(arm.name)); }

  lesionLabel() { return this.data.lesions.find((/** @type {any} */ lesion) => lesion.name === this.lesion).label; }

  makeChoices() {
    const { lesions, layers, presets } = this.data;
    byId("lesions").hidden = lesions.length < 2;
    byId("lesions").replaceChildren(...lesions.map((/** @type {any} */ lesion) => make("button", {
      type: "button", role: "tab", id: `tab-${lesion.name}`, "data-lesion": lesion.name, "aria-controls": "stage",
      onclick: () => this.setLesion(lesion.name), onkeydown: (/** @type {KeyboardEvent} */ event) => this.walkTabs(event) }, lesion.label)));
    byId("layers").append(...layers.map((/** @type {any} */ layer) => make("label", { class: "chip" },
      make("input", { type: "radio", name: "layer", value: layer.name, checked: layer === this.layer, onchange: () => this.setLayer(layer.name) }),
      make("span", {}, layer.title))));
    byId("presets").hidden = !presets?.length;
    byId("presets").append(...(presets ?? []).map((/** @type {any} */ preset) => make("button", {
      type: "button", onclick: () => this.apply(preset) }, preset.label)));
    if (lesions.length < 2) byId("stage").removeAttribute("role");
  }

  makeArmChoice() {
    const { arms } = this.data;
    byId("arm-choice").hidden = arms.length < 2;
    byId("arm-choice").querySelector("fieldset").replaceChildren(make("legend", { class: "unseen" }, "Arms shown"), ...arms.map((/** @type {any} */ arm) => make("label", {},
      make("input", { type: "checkbox", value: arm.name, onchange: (/** @type {any} */ event) => this.toggleArm(arm.name, event.target) }), " ", swatch(arm.colour), " ", arm.label)));
  }

  /** Take newer data of a run that is being computed. @param {any} data @param {boolean} follows whether the newest day is to be shown */
  renew(data, follows) {
    this.data = data;
    this.clock = new Clock(data);
    this.layer = data.layers.find((/** @type {any} */ layer) => layer.name === this.layer.name);
    for (const arm of data.arms) {
      const panel = this.panels.get(arm.name);
      if (panel) panel.arm = arm;
      else this.panels.set(arm.name, new ArmPanel(arm, this));
    }
    this.makeArmChoice();
    this.transport.sized();
    if (follows && !this.transport.isPlaying) this.index = this.clock.days.length - 1;
    this.draw();
  }

  makeCharts() {
    byId("curves").replaceChildren(...this.data.curves.map((/** @type {any} */ quantity) => make("figure", {},
      make("figcaption", {}, quantity.label), make("canvas", { role: "img", "data-curve": quantity.name, "aria-label": `${quantity.label}: numbers are in the table below` }))));
    const [low, high] = this.data.quantiles;
    byId("curves-note").textContent = this.data.arms.some((/** @type {any} */ arm) => arm.n_replicates > 1)
      ? `Lines: median of the runs of an arm; bands: ${100 * low} % to ${100 * high} % of them. Pictures: the first run. ✕: lethal burden.`
      : "One run an arm. ✕: lethal burden.";
    byId("clock-note").textContent = `Days since the start${this.clock.share < 1 ? `; from day ${Math.round(this.clock.break_d)} on (dotted) the axis is compressed` : ""}. Click to go to a day.`;
    for (const canvas of [byId("calendar"), ...byId("curves").querySelectorAll("canvas")]) {
      canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => { this.transport.pause(); this.go(this.clock.nearest(placeOf(canvas, event))); });
    }
    byId("numbers").addEventListener("toggle", () => this.drawNumbers());
  }

  /** @param {KeyboardEvent} event */
  walkTabs(event) {
    const by = /** @type {any} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
    if (!by) return;
    event.preventDefault();
    const names = this.data.lesions.map((/** @type {any} */ lesion) => lesion.name);
    this.setLesion(names[(names.indexOf(this.lesion) + by + names.length) % names.length]);
    byId(`tab-${this.lesion}`).focus();
  }

  /** @param {string} name */
  setLesion(name) { this.lesion = name; this.draw(); }

  /** @param {string} name */
  setLayer(name) {
    this.layer = this.data.layers.find((/** @type {any} */ layer) => layer.name === name) ?? this.layer;
    this.draw();
  }

  /** @param {string} name @param {HTMLInputElement} box */
  toggleArm(name, box) {
    if (box.checked) this.shown.add(name); else this.shown.delete(name);
    if (this.shown.size > 8 || !this.shown.size) {
      if (box.checked) this.shown.delete(name); else this.shown.add(name);
      this.readout(box.checked ? "Eight arms fit side by side; take one away first." : "One arm stays.");
    }
    this.draw();
  }

  /** Show what a preset names: arms, layer, lesion, day, another day. @param {any} preset */
  apply(preset) {
    this.transport.pause();
    if (preset.arms) this.shown = new Set(preset.arms);
    if (preset.layer) this.layer = this.data.layers.find((/** @type {any} */ layer) => layer.name === preset.layer) ?? this.layer;
    if (preset.lesion) this.lesion = preset.lesion;
    if (preset.day !== null && preset.day !== undefined) this.index = this.clock.at(preset.day);
    const { other_day } = preset;
    this.other = other_day === null || other_day === undefined ? null : this.clock.at(other_day);
    this.draw();
  }

  /** @param {boolean} isOn */
  compare(isOn) { this.other = isOn ? 0 : null; this.draw(); }

  /** @param {number} index */
  setOther(index) { this.other = index; this.draw(); }

  /** @param {number} index */
  go(index) {
    this.index = Math.max(0, Math.min(this.clock.days.length - 1, index));
    return this.draw();
  }

  /** Draw everything for the day; a picture that is asked for while another is fetched takes its place. */
  async draw() {
    this.asked += 1;
    const turn = this.asked;
    const arms = this.arms();
    const indices = this.other === null ? [this.index] : [this.other, this.index];
    this.showChoices();
    const waiting = arms.flatMap((/** @type {any} */ arm) => indices.map((index) => this.codes(arm, index)));
    const codes = waiting.some((one) => one instanceof Promise) ? await Promise.all(waiting) : waiting;
    if (turn !== this.asked) return;
    arms.forEach((/** @type {any} */ arm, /** @type {number} */ place) => this.panel(arm).show(codes.slice(place * indices.length, (place + 1) * indices.length), indices));
    this.drawCharts();
    this.drawn += 1;
  }

  /** @param {any} arm */
  panel(arm) { return /** @type {ArmPanel} */ (this.panels.get(arm.name)); }

  /** @param {any} arm @param {number} index */
  codes(arm, index) {
    const picture = this.panel(arm).picture(index);
    return picture === null ? null : this.planes.picture(arm, this.lesion, this.layer.plane, picture);
  }

  /** Bring the controls and the panels into the state that is to be drawn. */
  showChoices() {
    for (const tab of byId("lesions").children) {
      tab.setAttribute("aria-selected", String(tab.dataset.lesion === this.lesion));
      tab.tabIndex = tab.dataset.lesion === this.lesion ? 0 : -1;
    }
    for (const input of byId("layers").querySelectorAll("input")) input.checked = input.value === this.layer.name;
    for (const input of byId("arm-choice").querySelectorAll("input")) input.checked = this.shown.has(input.value);
    const panels = this.arms().map((/** @type {any} */ arm) => this.panel(arm).element);
    const place = byId("arms");
    place.style.setProperty("--n", String(panels.length));
    if (panels.length !== place.children.length || panels.some((/** @type {any} */ one, /** @type {number} */ i) => one !== place.children[i])) place.replaceChildren(...panels);
    byId("slider").value = String(this.index);
    byId("when").textContent = this.clock.words(this.clock.days[this.index]);
    byId("slider").setAttribute("aria-valuetext", byId("when").textContent);
    byId("compare").checked = this.other !== null;
    byId("second").hidden = this.other === null;
    if (this.other !== null) {
      byId("second-slider").value = String(this.other);
      byId("second-when").textContent = `left: ${this.clock.words(this.clock.days[this.other])}`;
      byId("second-slider").setAttribute("aria-valuetext", byId("second-when").textContent);
    }
    if (this.legendOf !== this.layer) this.drawLegend();
  }

  drawLegend() {
    this.legendOf = this.layer;
    const { legend, ticks } = this.layer;
    const words = legend.filter((/** @type {any} */ entry) => entry.label).map((/** @type {any} */ entry) => make("li", {}, swatch(entry.colour), entry.label));
    const scale = legend.filter((/** @type {any} */ entry) => !entry.label);
    byId("legend").replaceChildren(...(scale.length ? [make("li", { class: "scale" },
      make("span", { class: "colours" }, ...scale.map((/** @type {any} */ entry) => make("i", { style: `background:${entry.colour}` }))),
      make("span", { class: "ticks" }, ...ticks.map((/** @type {string} */ tick) => make("span", {}, tick))))] : []), ...words);
  }

  drawCharts() {
    const days = [this.index, ...(this.other === null ? [] : [this.other])].map((index) => this.clock.days[index]);
    const names = new Set(this.arms().map((/** @type {any} */ arm) => arm.name));
    drawCalendar(byId("calendar"), this.data.calendar.filter((/** @type {any} */ line) => line.arms.some((/** @type {string} */ arm) => names.has(arm))), this.clock, days);
    for (const canvas of byId("curves").querySelectorAll("canvas")) {
      const quantity = this.data.curves.find((/** @type {any} */ one) => one.name === canvas.dataset.curve);
      drawCurves(canvas, quantity, this.arms(), this.lesion, this.clock, days);
    }
    this.drawNumbers();
  }

  drawNumbers() {
    if (!byId("numbers").open) return;
    const day = this.clock.days[this.index];
    const head = make("tr", {}, make("th", { scope: "col" }, "Arm"), ...this.data.curves.map((/** @type {any} */ one) => make("th", { scope: "col" }, one.label)));
    const rows = this.arms().map((/** @type {any} */ arm) => make("tr", {}, make("th", { scope: "row" }, arm.label),
      ...this.data.curves.map((/** @type {any} */ one) => make("td", {}, spoken(valueAt(arm.curves[this.lesion][one.name], day))))));
    const given = this.data.calendar.map((/** @type {any} */ line) => make("tr", {}, make("th", { scope: "row" }, line.label), make("td", {}, line.detail),
      make("td", {}, `day ${Math.round(line.times[0])} to ${Math.round(line.times[line.times.length - 1])}`),
      make("td", {}, this.data.arms.filter((/** @type {any} */ arm) => line.arms.includes(arm.name)).map((/** @type {any} */ arm) => arm.label).join(", "))));
    byId("numbers").querySelector("div").replaceChildren(
      make("table", {}, make("caption", {}, `${this.lesionLabel()}, ${this.clock.words(day)}`), make("thead", {}, head), make("tbody", {}, ...rows)),
      make("table", {}, make("caption", {}, "Treatment calendar"), make("thead", {}, make("tr", {}, ...["Treatment", "Dose", "When", "Arms"].map((word) => make("th", { scope: "col" }, word)))), make("tbody", {}, ...given)));
  }

  /** @param {string} words */
  readout(words) { byId("readout").textContent = words; }
}

/** @param {any} data */
function start(data) {
  const player = new Player(data);
  /** @type {any} */ (window).lesionlab = player;
  if (data.lesson) new Lesson(data.lesson, player);
  else player.draw();
  if (data.live) new LivePanel(player);
}
