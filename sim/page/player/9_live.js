// A run that is watched while it is computed: pause, step, and forks from the present moment.

const ASK_EVERY_MS = 400;

class LivePanel {
  /** @param {Player} player */
  constructor(player) {
    this.player = player;
    this.follows = true;
    this.failures = 0;
    this.place = byId("live");
    this.place.hidden = false;
    this.says = make("p", { role: "status" });
    this.pace = make("p", { class: "note" });
    this.run = make("button", { type: "button", onclick: () => this.command(this.player.data.live.is_running ? "pause" : "run") });
    const step = make("button", { type: "button", onclick: () => this.command("step") }, "Compute a day");
    const follow = make("input", { type: "checkbox", checked: true, onchange: (/** @type {any} */ event) => { this.follows = event.target.checked; } });
    this.place.append(make("h2", {}, "This run is being computed"), make("form", { onsubmit: (/** @type {Event} */ e) => e.preventDefault() },
      this.run, step, make("label", {}, follow, " show the newest day")), this.pace, this.forkForm(), this.says);
    this.label();
    setTimeout(() => this.ask(), ASK_EVERY_MS);
  }

  /** What can be changed from the present day on. */
  forkForm() {
    const { live } = this.player.data;
    /** @param {string} name @param {any[]} options */
    const select = (name, options) => make("select", { name }, ...options.map((one) => make("option", { value: one.name ?? one }, one.label ?? String(one).replaceAll("_", " "))));
    /** @param {string} words @param {any} field */
    const labelled = (words, field) => make("label", {}, `${words} `, field);
    /** @param {string} name @param {number} value @param {number} least @param {number} most */
    const number = (name, value, least, most) => make("input", { type: "number", name, value, min: least, max: most, step: "any", size: 5 });
    const fields = /** @type {Record<string, any[]>} */ ({
      radiotherapy: [labelled("fractions", number("fractions", 5, 1, 40)), labelled("Gy each", number("dose_gy", 2, 0.1, 30)), labelled("to", select("lesion", live.lesions))],
      drug: [labelled("drug", select("drug", live.drugs)), labelled("mg", number("dose_mg", 240, 0.1, 10000)), labelled("every days", number("interval_d", 21, 1, 90))],
      stop: [labelled("drug", select("drug", live.given))],
      switch: [labelled("mechanism", select("mechanism", live.mechanisms))],
    });
    const shown = make("span", {});
    const change = make("select", { name: "change", onchange: () => shown.replaceChildren(...fields[change.value]) },
      make("option", { value: "radiotherapy" }, "give radiotherapy"), make("option", { value: "drug" }, "give a drug"),
      ...(live.given.length ? [make("option", { value: "stop" }, "stop a drug")] : []), make("option", { value: "switch" }, "switch a mechanism off"));
    shown.append(...fields.radiotherapy);
    this.of = make("select", { name: "arm" });
    const form = make("form", {}, make("strong", {}, "Another future from this day:"), labelled("arm", this.of), labelled("change", change), shown,
      make("button", { type: "submit" }, "Fork"));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.command("fork", Object.fromEntries(new FormData(form)));
    });
    return form;
  }

  /** @param {string} name @param {any} [content] */
  async command(name, content = {}) {
    this.says.textContent = name === "fork" ? "The other future begins after the day that is being computed …" : "";
    const answer = await fetch(name, { method: "POST", body: JSON.stringify(content) });
    const words = await answer.text();
    this.says.textContent = answer.ok ? (name === "fork" ? "The other future stands beside the old one." : "") : `Not done: ${words}`;
    if (answer.ok && name === "fork") this.player.shown.add(JSON.parse(words).arm);
    await this.refresh();
  }

  async ask() {
    try {
      await this.refresh();
      this.failures = 0;
    } catch {
      this.failures += 1;
      if (this.failures > 5) {
        this.pace.textContent = "The server has ended; what was computed until then is still shown.";
        return;
      }
    }
    setTimeout(() => this.ask(), ASK_EVERY_MS);
  }

  async refresh() {
    const answer = await fetch("data");
    if (!answer.ok) throw new Error(`no data: ${answer.status}`);
    const data = await answer.json();
    if (this.player.clock.days.length !== data.days.length || this.player.data.arms.length !== data.arms.length) this.player.renew(data, this.follows);
    else this.player.data.live = data.live;
    this.label();
  }

  label() {
    const { live, arms } = this.player.data;
    this.run.textContent = live.is_running ? "Pause computing" : "Go on computing";
    this.run.disabled = live.is_over;
    const rate = live.days_per_s >= 1 ? `${live.days_per_s.toFixed(1)} days a second` : `${(1 / Math.max(live.days_per_s, 1e-9)).toFixed(1)} seconds a day`;
    this.pace.textContent = live.failure || (live.is_over ? "Every arm has come to its end."
      : `Day ${Math.round(live.day)}. The model takes ${rate} and arm, ${Math.round(live.steps_per_s)} steps a second.`);
    if (this.of.children.length !== arms.length) {
      const chosen = this.of.value;
      this.of.replaceChildren(...arms.map((/** @type {any} */ arm) => make("option", { value: arm.name }, arm.label)));
      if (chosen) this.of.value = chosen;
    }
  }
}
