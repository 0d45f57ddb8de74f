// The histogram of the plane, and the two limits as lines that can be dragged or moved by keys.

import { Plot, axis, short } from "./plot.js";
import { valueWords } from "./words.js";

const HEIGHT = 150;
const SOON_MS = 60;
const FINE = 0.01;

export class Levels {
  constructor(panel, archive, state, limitsNow) {
    Object.assign(this, { archive, state, limitsNow });
    this.element = panel.querySelector("#levels");
    this.note = panel.querySelector("#levels-note");
    this.plot = new Plot(this.element, HEIGHT, (ink) => this.chart(ink));
    this.handles = ["Lower limit", "Upper limit"].map((label, at) => this.handle(label, at));
    panel.hidden = false;
    panel.append(this.buttons());
    state.on(["limits"], () => this.move());
  }

  // Counts as the archive chooses them, or around limits that were given as two values.
  begin(image) {
    const given = /^[^:]*,/.test(this.state.limits) ? this.limitsNow() : null;
    this.load(image, given && this.around(given));
  }

  around([low, high]) { return [low - (high - low) / 2, high + (high - low) / 2]; }

  async load(image, limits = null) {
    this.image = image;
    const asked = (this.asked = Symbol("histogram"));
    try {
      const counted = await this.archive.ask("histogram", { hdu: image.hdu, plane: image.plane, bins: 256, limits: limits ? limits.join(",") : null });
      if (this.asked !== asked) return;
      this.counted = counted;
      this.plot.draw();
      const missing = counted.notFinite ? ` · ${counted.notFinite.toLocaleString("en")} NaN` : "";
      const flagged = counted.unusable ? ` · ${counted.unusable.toLocaleString("en")} flagged as unusable` : "";
      this.note.textContent = `${valueWords(counted.minimum)} to ${valueWords(counted.maximum)}${image.unit ? ` ${image.unit}` : ""}${missing}${flagged}`;
    } catch (error) { this.note.textContent = error.message; }
  }

  chart(ink) {
    if (!this.counted) return null;
    const { low, high, counts } = this.counted;
    const step = (high - low) / counts.length;
    const xs = counts.map((_, at) => low + (at + 0.5) * step);
    const options = {
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 8, 0, 8],
      scales: { x: { time: false, range: () => [low, high] }, y: { range: (_, __, most) => [0, most || 1] } },
      axes: [axis(ink, { values: (_, ticks) => short(ticks), size: 28 }), { show: false }],
      series: [{}, { stroke: ink.data, fill: ink.band, width: 1, paths: uPlot.paths.stepped({ align: 0 }), points: { show: false } }],
      hooks: { ready: [(chart) => this.mount(chart)], draw: [() => this.move()] },
    };
    return { options, data: [xs, counts.map((count) => Math.log10(1 + count))] };
  }

  mount(chart) {
    this.over = chart;
    chart.over.append(...this.handles);
    this.move();
  }

  handle(label, at) {
    const handle = document.createElement("div");
    handle.className = "limit";
    handle.tabIndex = 0;
    handle.setAttribute("role", "slider");
    handle.setAttribute("aria-label", label);
    handle.setAttribute("aria-orientation", "horizontal");
    handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); event.preventDefault(); });
    handle.addEventListener("pointermove", (event) => { if (handle.hasPointerCapture(event.pointerId)) this.drag(at, event.clientX); });
    handle.addEventListener("keydown", (event) => this.key(at, event));
    return handle;
  }

  drag(at, clientX) {
    const box = this.over.over.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    this.put(at, this.counted.low + part * (this.counted.high - this.counted.low));
  }

  key(at, event) {
    const sign = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    event.stopPropagation();
    const step = (this.counted.high - this.counted.low) * FINE * (event.shiftKey ? 0.1 : 1);
    this.put(at, this.limitsNow()[at] + sign * step);
  }

  // Limits never cross; tiles follow a moment after the line.
  put(at, value) {
    const limits = [...(this.pending || this.limitsNow())];
    const least = (this.counted.high - this.counted.low) * 1e-4;
    limits[at] = at ? Math.max(value, limits[0] + least) : Math.min(value, limits[1] - least);
    this.pending = limits;
    this.move();
    if (!this.timer) this.timer = setTimeout(() => { this.timer = 0; this.apply(); }, SOON_MS);
  }

  apply() {
    const [low, high] = this.pending.map((value) => Number(value.toPrecision(7)));
    this.pending = null;
    if (low < high) this.state.set({ limits: `${low},${high}` });
  }

  move() {
    if (!this.over || !this.counted) return;
    const limits = this.pending || this.limitsNow();
    const { low, high } = this.counted;
    this.handles.forEach((handle, at) => {
      if (!limits) { handle.hidden = true; return; }
      handle.hidden = false;
      const part = Math.min(1, Math.max(0, (limits[at] - low) / (high - low)));
      handle.style.left = `${part * 100}%`;
      handle.setAttribute("aria-valuemin", low);
      handle.setAttribute("aria-valuemax", high);
      handle.setAttribute("aria-valuenow", limits[at]);
      handle.setAttribute("aria-valuetext", `${valueWords(limits[at])} ${this.image.unit}`);
    });
  }

  buttons() {
    const row = document.createElement("p");
    row.className = "row";
    const button = (text, act) => {
      const made = document.createElement("button");
      Object.assign(made, { type: "button", className: "button slim", textContent: text });
      made.addEventListener("click", act);
      row.append(made);
    };
    button("Around the limits", () => this.load(this.image, this.around(this.limitsNow())));
    button("Wider", () => { const { low, high } = this.counted; this.load(this.image, [low - (high - low), high + (high - low)]); });
    button("Everything", () => { const { minimum, maximum } = this.counted; this.load(this.image, [minimum, maximum > minimum ? maximum : minimum + 1]); });
    button("zscale", () => this.state.set({ limits: "zscale" }));
    return row;
  }

  // a limit as percentile, from the counts: where its line is drawn
  percentile(part) {
    const { low, high, counts, below, above } = this.counted;
    const total = below + above + counts.reduce((sum, count) => sum + count, 0);
    let left = part * total - below;
    const step = (high - low) / counts.length;
    for (let at = 0; at < counts.length; at += 1) {
      if (left <= counts[at]) return low + (at + Math.max(0, left) / Math.max(1, counts[at])) * step;
      left -= counts[at];
    }
    return high;
  }
}
