// Play, step, slider, speed, the second day, and the keyboard.

const SPEEDS = [1, 2, 5, 10, 20, 30, 60];

class Transport {
  /** @param {Player} player */
  constructor(player) {
    this.player = player;
    this.isPlaying = false;
    this.last = 0;
    this.due = 0;
    const speed = byId("speed");
    SPEEDS.forEach((one) => speed.append(make("option", { value: one }, `${one}/s`)));
    speed.value = window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "2" : "10";
    speed.setAttribute("aria-label", "Speed, pictures a second");
    byId("play").addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.step(-1));
    byId("forward").addEventListener("click", () => this.step(1));
    byId("slider").addEventListener("input", () => this.seek(Number(byId("slider").value)));
    byId("second-slider").addEventListener("input", () => player.setOther(Number(byId("second-slider").value)));
    byId("compare").addEventListener("change", () => player.compare(byId("compare").checked));
    document.addEventListener("keydown", (event) => this.press(event));
    this.sized();
  }

  /** Fit the sliders to the number of days, which grows while a run is watched. */
  sized() {
    for (const id of ["slider", "second-slider"]) byId(id).max = String(this.player.clock.days.length - 1);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.closest("input, select, textarea, [role=tab]")) return;
    const last = this.player.clock.days.length - 1;
    if (event.key === " " && !at.closest("button, summary, a")) this.toggle();
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(last);
    else return;
    event.preventDefault();
  }

  /** @param {number} by */
  step(by) {
    this.pause();
    this.seek(this.player.index + by);
  }

  /** @param {number} index */
  seek(index) { return this.player.go(Math.max(0, Math.min(this.player.clock.days.length - 1, index))); }

  toggle() { if (this.isPlaying) this.pause(); else this.play(); }

  play() {
    if (this.player.index >= this.player.clock.days.length - 1) this.player.go(0);
    this.isPlaying = true;
    this.last = performance.now();
    this.due = 0;
    this.label();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.isPlaying = false;
    this.label();
  }

  label() {
    byId("play").textContent = this.isPlaying ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", String(this.isPlaying));
  }

  /** Move on by as many pictures as are due; a slow machine skips pictures rather than time. @param {number} now */
  async tick(now) {
    if (!this.isPlaying) return;
    this.due += ((now - this.last) / 1000) * Number(byId("speed").value);
    this.last = now;
    const last = this.player.clock.days.length - 1;
    if (this.due >= 1) {
      const by = Math.floor(this.due);
      this.due -= by;
      await this.player.go(Math.min(last, this.player.index + by));
    }
    if (this.player.index >= last && !this.player.isLive) this.pause();
    else requestAnimationFrame((next) => this.tick(next));
  }
}
