// The calendar and the curves under the pictures, drawn on canvases to the day that the clock shows.

const DASHES = { "-": [], "--": [7, 4], "-.": [8, 3, 2, 3], ":": [2, 3] };

/** Fit a canvas to its place on the page and return its context in CSS pixels. @param {HTMLCanvasElement} canvas @param {number} [height] */
function fitted(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  if (height) canvas.style.height = `${height}px`;
  const wide = canvas.clientWidth;
  const high = height ?? canvas.clientHeight;
  canvas.width = Math.max(1, Math.round(wide * ratio));
  canvas.height = Math.max(1, Math.round(high * ratio));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.75;
  context.font = `${size}px "DejaVu Sans", Verdana, sans-serif`;
  return { context, wide, high, size };
}

/** @param {CanvasRenderingContext2D} context @param {Clock} clock @param {any} box */
function drawTicks(context, clock, box) {
  context.fillStyle = "#5c5c5c";
  context.textAlign = "center";
  context.textBaseline = "top";
  if (clock.share < 1) {
    const x = box.left + clock.share * box.width;
    for (let y = box.top; y < box.bottom; y += 4) context.fillRect(x, y, 1, 2);
  }
  let free = -Infinity;
  for (const tick of clock.ticks()) {
    const x = box.left + clock.position(tick.day) * box.width;
    const half = context.measureText(tick.label).width / 2;
    if (x - half < free) continue;
    free = x + half + 6;
    context.fillRect(x, box.bottom, 1, 4);
    context.fillText(tick.label, Math.min(x, box.left + box.width - half), box.bottom + 5);
  }
}

/** @param {CanvasRenderingContext2D} context @param {Clock} clock @param {any} box @param {number[]} days */
function drawCursors(context, clock, box, days) {
  days.forEach((day, index) => {
    context.fillStyle = index ? "#d1006c" : "#222";
    context.fillRect(box.left + clock.position(day) * box.width - 1, box.top, 2, box.bottom - box.top);
  });
}

/** Days of a canvas' box: where a pointer stands on the clock. @param {HTMLCanvasElement} canvas @param {PointerEvent} event */
function placeOf(canvas, event) {
  const box = /** @type {any} */ (canvas).box;
  return box ? (event.clientX - canvas.getBoundingClientRect().left - box.left) / box.width : 0;
}

/** Draw the calendar of the arms shown. @param {HTMLCanvasElement} canvas @param {any[]} lines @param {Clock} clock @param {number[]} days */
function drawCalendar(canvas, lines, clock, days) {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.75;
  const row = size * 1.9;
  const narrow = canvas.clientWidth < 600;
  const step = narrow ? row * 1.75 : row;
  const { context, wide } = fitted(canvas, lines.length * step + size * 2.6);
  const label = narrow ? 4 : Math.max(60, ...lines.map((line) => context.measureText(line.label).width)) + 14;
  const box = { left: label, width: wide - label - 10, top: 0, bottom: lines.length * step };
  /** @type {any} */ (canvas).box = box;
  lines.forEach((line, index) => drawTrack(context, line, clock, { ...box, middle: (index + 1) * step - row / 2, row, narrow }));
  drawTicks(context, clock, box);
  drawCursors(context, clock, box, days);
}

/** @param {CanvasRenderingContext2D} context @param {any} line @param {Clock} clock @param {any} box */
function drawTrack(context, line, clock, box) {
  /** @param {number} day */
  const x = (day) => box.left + clock.position(day) * box.width;
  context.textBaseline = "middle";
  context.textAlign = box.narrow ? "left" : "right";
  context.fillStyle = "#222";
  const above = box.middle - box.row * 0.85;
  context.fillText(box.narrow ? `${line.label}: ${line.detail}` : line.label, box.narrow ? box.left : box.left - 8, box.narrow ? above : box.middle);
  context.fillStyle = "#eee";
  context.fillRect(box.left, box.middle - 4, box.width, 8);
  context.fillStyle = line.colour;
  const bars = line.is_radiotherapy ? [] : line.spans.filter((/** @type {number[]} */ span) => span[1] > span[0]);
  for (const [first, last] of bars) context.fillRect(x(first), box.middle - 5, Math.max(2, x(last + 1) - x(first)), 10);
  const ticks = line.is_radiotherapy ? line.times : line.spans.filter((/** @type {number[]} */ s) => s[0] === s[1]).map((/** @type {number[]} */ s) => s[0]);
  for (const day of ticks) {
    if (line.is_scan) {
      context.beginPath();
      context.moveTo(x(day) - 4, box.middle - 4);
      context.lineTo(x(day) + 4, box.middle - 4);
      context.lineTo(x(day), box.middle + 4);
      context.fill();
    } else context.fillRect(x(day) - 1, box.middle - 7, 2, 14);
  }
  if (box.narrow || !line.detail) return;
  const wide = context.measureText(line.detail).width;
  const last = x(line.times[line.times.length - 1]) + 8;
  if (!line.is_radiotherapy || last + wide > box.left + box.width) return;
  context.fillStyle = "#222";
  context.textAlign = "left";
  context.fillText(line.detail, last, box.middle);
}

/** Limits of a quantity over the arms shown. @param {any} quantity @param {any[]} lines */
function limits(quantity, lines) {
  const all = lines.flatMap((line) => [...line.median, ...(line.high ?? [])]).filter((value) => value !== null && (!quantity.is_log || value > 0));
  if (!all.length) return null;
  const most = Math.max(...all);
  if (!quantity.is_log) return [0, quantity.top ?? (most * 1.08 || 1)];
  const least = Math.min(...all);
  const low = Math.max(0, Math.floor(Math.log10(least)));
  return [low, Math.max(Math.ceil(Math.log10(most)), low + 1)];
}

/**
 * Draw one quantity of the arms shown, up to the clock's day.
 * @param {HTMLCanvasElement} canvas @param {any} quantity @param {any[]} arms @param {string} lesion @param {Clock} clock @param {number[]} days
 */
function drawCurves(canvas, quantity, arms, lesion, clock, days) {
  const { context, wide, high, size } = fitted(canvas);
  const lines = arms.map((arm) => arm.curves[lesion][quantity.name]);
  const range = limits(quantity, lines);
  const box = { left: size * 3.6, width: wide - size * 3.6 - 8, top: 6, bottom: high - size * 2 };
  /** @type {any} */ (canvas).box = box;
  if (!range) {
    context.fillStyle = "#5c5c5c";
    context.fillText("not in these records", box.left, high / 2);
    return;
  }
  const [low, top] = range;
  /** @param {number} day */
  const x = (day) => box.left + clock.position(day) * box.width;
  /** @param {number} value */
  const y = (value) => box.bottom - (((quantity.is_log ? Math.log10(Math.max(value, 10 ** low)) : value) - low) / (top - low)) * (box.bottom - box.top);
  drawScale(context, quantity, box, low, top);
  drawTicks(context, clock, box);
  // Dashed lines lie on top: where two arms coincide both stay visible.
  const order = arms.map((_, index) => index).sort((a, b) => Number(arms[a].line !== "-") - Number(arms[b].line !== "-"));
  for (const index of order) drawLine(context, lines[index], arms[index], days[0], x, y);
  drawCursors(context, clock, box, days);
}

/** @param {CanvasRenderingContext2D} context @param {any} quantity @param {any} box @param {number} low @param {number} top */
function drawScale(context, quantity, box, low, top) {
  context.textAlign = "right";
  context.textBaseline = "middle";
  const span = top - low;
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const step = quantity.is_log ? Math.max(1, Math.ceil(span / 5)) : [1, 2, 5, 10].map((one) => one * power).find((one) => span / one <= 5) ?? span;
  for (let value = low; value <= top + step * 1e-6; value += step) {
    const y = box.bottom - ((value - low) / span) * (box.bottom - box.top);
    context.fillStyle = "#e6e6e6";
    context.fillRect(box.left, y, box.width, 1);
    context.fillStyle = "#5c5c5c";
    context.fillText(quantity.is_log && value === 0 ? "≤1" : quantity.is_log ? `10${[...String(Math.round(value))].map((d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)])).join("")}` : String(Number(value.toPrecision(3))), box.left - 5, y);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {any} line @param {any} arm @param {number} day
 * @param {(day: number) => number} x @param {(value: number) => number} y
 */
function drawLine(context, line, arm, day, x, y) {
  const seen = line.t.map((/** @type {number} */ t, /** @type {number} */ i) => i).filter((/** @type {number} */ i) => line.t[i] <= day && line.median[i] !== null);
  if (line.low && seen.length > 1) {
    const banded = seen.filter((/** @type {number} */ i) => line.low[i] !== null && line.high[i] !== null);
    context.globalAlpha = 0.18;
    context.fillStyle = arm.colour;
    context.beginPath();
    banded.forEach((/** @type {number} */ i) => context.lineTo(x(line.t[i]), y(line.high[i])));
    banded.reverse().forEach((/** @type {number} */ i) => context.lineTo(x(line.t[i]), y(line.low[i])));
    context.fill();
    context.globalAlpha = 1;
  }
  context.strokeStyle = arm.colour;
  context.lineWidth = 2.2;
  context.setLineDash(/** @type {any} */ (DASHES)[arm.line] ?? []);
  context.beginPath();
  seen.forEach((/** @type {number} */ i) => context.lineTo(x(line.t[i]), y(line.median[i])));
  const now = valueAt(line, day);
  if (now !== null && seen.length && day < line.t[line.t.length - 1]) context.lineTo(x(day), y(now));
  context.stroke();
  context.setLineDash([]);
  if (arm.ended_d !== null && day >= arm.ended_d && seen.length) {
    const last = seen[seen.length - 1];
    context.fillStyle = "#fff";
    context.fillRect(x(line.t[last]) - 6, y(line.median[last]) - 6, 12, 12);
    context.lineWidth = 3;
    context.beginPath();
    for (const [dx, dy] of [[-4, -4], [4, 4], [4, -4], [-4, 4]]) context[dx === dy && dx < 0 || dx > dy ? "moveTo" : "lineTo"](x(line.t[last]) + dx, y(line.median[last]) + dy);
    context.stroke();
  }
}
