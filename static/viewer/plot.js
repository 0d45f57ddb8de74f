// Small charts in the colours of the page.

const canvasColour = (element, name) => {
  // A custom property may hold light-dark(); a colour that is in use is resolved.
  const probe = document.createElement("span");
  probe.className = `ink-${name}`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};

// The visitor's choice in the footer goes before the system's.
export const isDark = () => {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export const inks = (element) => Object.fromEntries(["soft", "line", "data", "band", "other"].map((name) => [name, canvasColour(element, name)]));

export const axis = (ink, more = {}) => ({
  stroke: ink.soft,
  grid: { stroke: ink.line, width: 1 },
  ticks: { stroke: ink.line, width: 1, size: 4 },
  font: "12px system-ui, sans-serif",
  labelFont: "12px system-ui, sans-serif",
  ...more,
});

// Numbers short enough for an axis.
export const short = (values) => values.map((value) => {
  if (value === null) return "";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(4)));
});

// A chart that keeps the width of its place and the colours of the theme; `make` gives its options and data.
export class Plot {
  constructor(element, height, make) {
    Object.assign(this, { element, height, make });
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  draw() {
    const made = this.make(inks(this.element));
    this.chart?.destroy();
    this.chart = null;
    if (!made) return;
    const size = { width: Math.max(160, this.element.clientWidth), height: this.height };
    this.chart = new uPlot({ ...size, ...made.options }, made.data, this.element);
  }

  resize() {
    const width = Math.max(160, this.element.clientWidth);
    if (this.chart && this.chart.width !== width) this.chart.setSize({ width, height: this.height });
  }
}
