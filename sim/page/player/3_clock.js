// The clock that all arms share: days since the start, on an axis that may run at two speeds, as in the figures.

class Clock {
  /** @param {any} data */
  constructor(data) {
    this.days = data.days;
    this.start = new Date(`${data.start.slice(0, 10)}T00:00:00Z`);
    Object.assign(this, data.clock);
    this.break_d = data.clock.break_d;
    this.end_d = data.clock.end_d;
    this.share = data.clock.share;
  }

  /** Where a day stands on the axis, 0 to 1. @param {number} day */
  position(day) {
    if (this.share >= 1) return day / this.end_d;
    if (day < this.break_d) return (day * this.share) / this.break_d;
    return this.share + ((day - this.break_d) * (1 - this.share)) / (this.end_d - this.break_d);
  }

  /** The picture nearest to a place on the axis. @param {number} position */
  nearest(position) {
    let best = 0;
    this.days.forEach((/** @type {number} */ day, /** @type {number} */ index) => {
      if (Math.abs(this.position(day) - position) < Math.abs(this.position(this.days[best]) - position)) best = index;
    });
    return best;
  }

  /** The last picture at or before a day. @param {number} day */
  at(day) {
    let found = 0;
    while (found + 1 < this.days.length && this.days[found + 1] <= day + 0.5) found += 1;
    return found;
  }

  /** @param {number} day */
  words(day) {
    const date = new Date(this.start.getTime() + day * 86400e3);
    return `day ${Math.round(day)}, ${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" })}`;
  }

  /** Days for ticks, at most six or so a speed. */
  ticks() {
    /** @param {number} span */
    const step = (span) => [1, 2, 7, 14, 30, 60, 90, 180, 360, 720].find((one) => span / one <= 6) ?? 1440;
    const fast = this.share >= 1 ? this.end_d : this.break_d;
    const found = [];
    for (let day = 0; day <= fast; day += step(fast)) found.push({ day, label: String(day) });
    const years = this.end_d >= 2.5 * 365.25;
    const late = years ? 365.25 : step(this.end_d - fast);
    for (let day = late; this.share < 1 && day <= this.end_d; day += late) {
      if (day > fast + 0.1 * (this.end_d - fast)) found.push({ day, label: years ? `${Math.round(day / 365.25)} y` : String(day) });
    }
    return found;
  }
}

/** The value of a curve on a day, by interpolation between its points; null outside it. @param {any} line @param {number} day @param {string} [key] */
function valueAt(line, day, key = "median") {
  const { t } = line;
  const values = line[key];
  if (!t.length || day < t[0] - 1e-6 || day > t[t.length - 1] + 0.51) return null;
  let i = 0;
  while (i + 1 < t.length && t[i + 1] <= day) i += 1;
  if (i + 1 >= t.length || values[i + 1] === null || values[i] === null) return values[i];
  return values[i] + ((values[i + 1] - values[i]) * (day - t[i])) / (t[i + 1] - t[i]);
}
