// Spectra plotted: several of a file, their errors as bands, zoom, and what is under the cursor.

import { Archive } from "./archive.js";
import { Plot, axis, isDark, short } from "./plot.js";
import { valueWords } from "./words.js";

const HEIGHT = 420;
const BANDS = 8;
const NEAR = 1.6;
const SHIFT = 0.25;
const HUES = [215, 35, 145, 345, 275, 185, 60, 310];

const scene = JSON.parse(document.getElementById("scene").textContent);
const element = (id) => document.getElementById(id);
const archive = new Archive(scene);
const choice = element("choice");
const known = new Map();
let shown = [];
let coarse = 1;
let range = null;

const colour = (at, dark, strength = 1) => {
  const few = shown.length <= HUES.length;
  const hue = few ? HUES[at % HUES.length] : 20 + (260 * at) / shown.length;
  return `hsl(${hue} 75% ${dark ? 70 : 38}% / ${few ? strength : 0.5})`;
};

const say = (text) => { element("view-note").textContent = text; };

// One spectrum as columns that uPlot takes: ascending wavelengths, gaps where a value is missing.
const columns = ({ wavelength, flux, error }) => {
  const rows = wavelength.map((x, at) => [x, flux[at], error[at] ?? null]).filter(([x]) => x !== null);
  rows.sort((one, other) => one[0] - other[0]);
  const edge = (sign) => rows.map(([, y, e]) => (y === null || e === null ? null : y + sign * e));
  return [rows.map(([x]) => x), rows.map(([, y]) => y), edge(1), edge(-1)];
};

const withErrors = () => element("errors").checked && shown.length <= BANDS && shown.some((one) => one.error.length);

const table = () => {
  const parts = shown.map((one) => { const made = columns(one); return withErrors() ? made : made.slice(0, 2); });
  const same = parts.every(([xs]) => xs.length === parts[0][0].length && xs.every((x, at) => x === parts[0][0][at]));
  return same ? [parts[0][0], ...parts.flatMap((part) => part.slice(1))] : uPlot.join(parts);
};

const chart = (ink) => {
  if (!shown.length) return null;
  const dark = isDark();
  const series = [{}];
  const bands = [];
  shown.forEach((one, at) => {
    series.push({ label: one.label, stroke: colour(at, dark), width: shown.length > BANDS ? 0.75 : 1.25, points: { show: false } });
    if (!withErrors()) return;
    const first = series.length;
    series.push({ stroke: null, points: { show: false } }, { stroke: null, points: { show: false } });
    bands.push({ series: [first, first + 1], fill: colour(at, dark, 0.2) });
  });
  const { wavelengthUnit, fluxUnit, fluxName } = shown[0];
  const options = {
    series, bands,
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: true }, points: { size: 6 }, y: false },
    scales: { x: { time: false }, y: { distr: element("logarithmic").checked ? 3 : 1 } },
    axes: [
      axis(ink, { label: `wavelength (${wavelengthUnit || "?"})`, values: (_, ticks) => short(ticks), size: 30, labelSize: 20 }),
      axis(ink, { label: `${fluxName} (${fluxUnit || "?"})`, values: (_, ticks) => short(ticks), size: 70, labelSize: 20 }),
    ],
    hooks: {
      setCursor: [(drawn) => read(drawn)],
      setScale: [(drawn, name) => { if (name === "x") range = zoomed(drawn); }],
      ready: [(drawn) => { element("plot").dataset.drawn = String(shown.length); if (range) drawn.setScale("x", { min: range[0], max: range[1] }); }],
    },
  };
  return { options, data: table() };
};

// The wavelengths that are seen when they are not all of them; kept over a change of what is plotted.
const zoomed = ({ data, scales: { x } }) => (x.min > data[0][0] || x.max < data[0].at(-1) ? [x.min, x.max] : null);

const plot = new Plot(element("plot"), HEIGHT, chart);

// --- what is under the cursor
const part = Object.fromEntries([...document.querySelectorAll("#readout [data-of]")].map((one) => [one.dataset.of, one]));

const read = (drawn) => {
  const at = drawn.cursor.idx;
  if (at === null || at === undefined) return;
  const step = withErrors() ? 3 : 1;
  const { wavelengthUnit, fluxUnit } = shown[0];
  part.wavelength.textContent = `${valueWords(drawn.data[0][at])} ${wavelengthUnit}`;
  part.flux.textContent = shown.slice(0, BANDS).map((one, number) => {
    const value = drawn.data[1 + number * step][at];
    const upper = step === 3 ? drawn.data[2 + number * step][at] : null;
    if (value === null || value === undefined) return null;
    const error = upper === null || upper === undefined ? "" : ` ± ${valueWords(Number((upper - value).toPrecision(3)))}`;
    return `${shown.length > 1 ? `${one.label}: ` : ""}${valueWords(value)}${error} ${fluxUnit}`;
  }).filter(Boolean).join(" · ") || "no value here";
};

// --- which are shown
const load = async (key) => {
  if (!known.has(key)) {
    const [hdu, row] = key.split(".");
    known.set(key, await archive.ask("spectrum", { hdu, row }));
  }
  return known.get(key);
};

const show = async (keys) => {
  coarse = 1;
  say(keys.length > 1 ? `Reading ${keys.length} spectra…` : "");
  try { shown = keys.length === choice.options.length && keys.length > 1 ? await loadAll() : await Promise.all(keys.map(load)); } catch (error) { say(error.message); return; }
  plot.draw();
  const notes = [shown.length > BANDS && `${shown.length} spectra; errors are drawn for up to ${BANDS}`, coarse > 1 && `each point is the mean of up to ${coarse}`];
  say(notes.filter(Boolean).join("; "));
  element("caption").textContent = shown.length === 1 ? shown[0].label : `${shown.length} spectra of ${scene.file.name}`;
  const query = new URLSearchParams(keys.slice(0, 12).map((key) => ["s", key]));
  history.replaceState(history.state, "", `?${query}`);
};

// A thousand in an answer, until all are there.
const loadAll = async () => {
  const found = [];
  let most = 1;
  for (let total = 1; found.length < total;) {
    const { spectra, step, ...units } = await archive.ask("spectrum", { all: "true", points: 2000, start: found.length });
    ({ total } = units);
    most = Math.max(most, step);
    found.push(...spectra.map((one) => ({ ...units, ...one })));
    if (found.length < total) say(`Reading ${total} spectra, ${found.length} are here…`);
  }
  coarse = most;
  return found;
};

const chosen = () => [...choice.selectedOptions].map((option) => option.value);
choice.addEventListener("change", () => show(chosen()));
element("all")?.addEventListener("click", () => { for (const option of choice.options) option.selected = true; show(chosen()); });
for (const id of ["errors", "logarithmic"]) element(id).addEventListener("change", () => plot.draw());

// --- closer and farther
const zoom = (nearer, shift = 0) => {
  const { min, max } = plot.chart.scales.x;
  const [middle, half] = [(min + max) / 2 + shift * (max - min), (max - min) / 2 / nearer];
  const xs = plot.chart.data[0];
  const clip = (value) => Math.min(xs.at(-1), Math.max(xs[0], value));
  const [low, high] = [clip(middle - half), clip(middle + half)];
  if (low < high) plot.chart.setScale("x", { min: low, max: high });
};
const whole = () => { const xs = plot.chart.data[0]; plot.chart.setScale("x", { min: xs[0], max: xs.at(-1) }); };
const acts = { whole, in: () => zoom(NEAR), out: () => zoom(1 / NEAR), left: () => zoom(1, -SHIFT), right: () => zoom(1, SHIFT) };
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () => { if (plot.chart) acts[button.dataset.do](); }));
const keys = { "+": acts.in, "=": acts.in, "-": acts.out, 0: acts.whole };
element("plot").addEventListener("keydown", (event) => {
  if (!plot.chart || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step && !keys[event.key]) return;
  event.preventDefault();
  if (step) stepCursor(step); else keys[event.key]();
});

// The cursor by keys: one point of the spectrum at a time.
const stepCursor = (step) => {
  const { chart: drawn } = plot;
  const at = Math.min(drawn.data[0].length - 1, Math.max(0, (drawn.cursor.idx ?? 0) + step));
  drawn.setCursor({ left: drawn.valToPos(drawn.data[0][at], "x"), top: drawn.bbox.height / devicePixelRatio / 2 });
  document.getElementById("announce").textContent = `${part.wavelength.textContent}: ${part.flux.textContent}`;
};

element("spectra").classList.add("scripted");
for (const one of [element("plot"), element("readout"), ...document.querySelectorAll(".scripted-only")]) one.hidden = false;
show(chosen());
