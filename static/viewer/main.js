// The viewer: what the page's parts have to do with one another.

import { Archive } from "./archive.js";
import { compass, scaleBar } from "./compass.js";
import { Compare } from "./compare.js";
import { LookForm } from "./form.js";
import { grid } from "./grid.js";
import { Keys } from "./keys.js";
import { Levels } from "./levels.js";
import { Marks } from "./marks.js";
import { Overlay, cross } from "./overlay.js";
import { Planes } from "./planes.js";
import { exportPng } from "./png.js";
import { Readout, Values } from "./readout.js";
import { Sky } from "./sky.js";
import { Spaxel } from "./spaxel.js";
import { Stage } from "./stage.js";
import { State } from "./state.js";
import { announce } from "./words.js";

const ZOOM_STEP = 1.5;
const FLAGS_OPACITY = 0.75;
const REST_MS = 500;
const PATIENCE_MS = 5000;

const scene = JSON.parse(document.getElementById("scene").textContent);
const element = (id) => document.getElementById(id);
const archive = new Archive(scene);
const state = new State(scene.info.image);
const values = new Values(archive);
let { image } = scene.info;
let cursor = null;
let byKey = false;
scene.sky = image.wcs ? new Sky(image.wcs) : null;

// --- how the plane is drawn
const numbers = (text) => (/^[-+0-9.eE]+,[-+0-9.eE]+$/.test(text) ? text.split(",").map(Number) : null);

const percents = (text) => {
  const found = /^(?:percentile:)?([0-9.]+)(?:,([0-9.]+))?%?$/.exec(text);
  if (!found) return null;
  const [first, second] = found.slice(1).map((part) => Number(part) / 100);
  return found[2] ? [first, second] : [(1 - first) / 2, (1 + first) / 2];
};

// The two limits as numbers, where they are known or can be read off the histogram.
const limitsNow = () => {
  const given = numbers(state.limits) || image.limits?.[state.limits];
  if (given) return given;
  const parts = percents(state.limits);
  return parts && levels.counted ? parts.map((part) => levels.percentile(part)) : image.limits?.zscale || null;
};

const lookOf = (one) => {
  const automatic = one.limits?.[state.limits];
  // Limits of a plane of one value alone are equal, which is no choice anybody may write.
  return { stretch: state.stretch, limits: automatic && automatic[0] < automatic[1] ? automatic.join(",") : state.limits, gamma: state.gamma, cmap: state.cmap };
};

const draw = () => stage.show("image", archive.tiles(image, lookOf(image)), image);

const drawFlags = () => {
  const has = image.qualityHdu !== null && image.qualityHdu !== undefined;
  if (state.dq && has) stage.show("flags", archive.flags(image), image, {}, FLAGS_OPACITY); else stage.hide("flags");
  say(state.dq && !has ? "This plane has no quality plane of its own." : "");
};

const say = (text) => { element("view-note").textContent = text; };

// --- another plane of the same HDU
const turnTo = async () => {
  const { plane } = state;
  try {
    const info = await archive.ask("cubeinfo", { hdu: image.hdu, plane });
    if (state.plane !== plane) return;
    image = info.image;
    element("title").textContent = info.title;
    stage.element.setAttribute("aria-label", `${info.title} of ${scene.file.name}`);
    planes.write(image);
    spaxel.use(image);
    draw();
    drawFlags();
    if (image.draw === "values") levels.begin(image);
    marks.refresh(image);
    if (cursor) readout.show(image, scene.sky, ...cursor);
  } catch (error) { say(error.message); }
};

// OpenSeadragon measures its place when it is made, so that is shown first.
element("viewer").classList.add("scripted");
for (const id of ["bar", "stage"]) element(id).hidden = false;
const stage = new Stage(element("stage"), image);
const overlay = new Overlay(stage);
const readout = new Readout(element("readout"), values, scene.flags);
const planes = new Planes(element("planes"), state);
const levels = new Levels(element("levels-panel"), archive, state, limitsNow);
const marks = new Marks(stage, state, archive, scene);
const spaxel = new Spaxel(element("spaxel"), stage, archive, state);
overlay.painters.push(grid(stage, scene.sky, state), marks.painter(), compass(stage, scene.sky), scaleBar(stage, scene.sky), (pen, width, height, exported) => { if (!exported) crosshair(pen); });

// --- the cursor
const crosshair = (pen) => { if (cursor && byKey) cross(pen, stage.toScreen(...cursor)); };

const point = (x, y) => { cursor = [x, y]; readout.show(image, scene.sky, x, y); compare.point(x, y); };

// A finger has no cursor: where it taps, a cross stays.
stage.addEventListener("tap", (event) => { byKey = true; point(...event.detail); overlay.soon(); });

stage.element.addEventListener("pointermove", (event) => {
  const box = stage.element.getBoundingClientRect();
  if (byKey) { byKey = false; overlay.soon(); }
  point(...stage.toImage(event.clientX - box.left, event.clientY - box.top));
});

let resting;
const stepCursor = (dx, dy) => {
  const [x, y] = cursor || stage.centre();
  const within = (value, most) => Math.min(most - 1, Math.max(0, Math.round(value)));
  byKey = true;
  point(within(x + dx, image.width), within(y + dy, image.height));
  overlay.soon();
  clearTimeout(resting);
  resting = setTimeout(() => announce(readout.words()), REST_MS);
};

// --- the view
const remember = () => {
  const [x, y] = stage.centre();
  state.set({ x: x + 1, y: y + 1, z: stage.zoom() });
  const [x0, y0, x1, y1] = stage.seen();
  element("cutout").href = archive.address("cutout", { hdu: image.hdu, plane: image.plane, x0, y0, x1, y1 });
};
const writeZoom = () => { element("zoom").textContent = `${Number((stage.zoom() * 100).toPrecision(3))} %`; };
const northUp = () => stage.turn(state.north && scene.sky ? scene.sky.northAt(...stage.centre()) : 0);
stage.addEventListener("frame", writeZoom);
stage.addEventListener("rest", remember);
stage.addEventListener("first", (event) => {
  if (event.detail !== "image") return;
  stage.element.dataset.drawn = "1";
  remember();
  beginLevels();
});
stage.addEventListener("missing", () => say("A part of the picture did not come; move or zoom to ask for it again."));
stage.addEventListener("drawn", () => { stage.element.dataset.look = JSON.stringify(lookOf(image)); });

let areLevelsDue = image.draw === "values";
const beginLevels = () => {
  if (areLevelsDue) levels.begin(image);
  areLevelsDue = false;
};

const toggle = (name) => state.set({ [name]: !state[name] });
const writeSwitches = () => document.querySelectorAll("[data-switch]").forEach((button) => button.setAttribute("aria-pressed", String(state[button.dataset.switch])));

// --- leaving with it
const savePng = async () => {
  const name = compare.shownName || scene.file.name;
  const title = name === scene.file.name ? `${element("title").textContent} of ${name}` : name;
  const blob = await exportPng(stage, overlay, scene.sky, title, location.href);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name.replace(/\.fits(\.gz)?$/, "_view.png") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const copyLink = async () => {
  // Browsers give the clipboard to pages from https or from this computer only.
  const copied = navigator.clipboard && (await navigator.clipboard.writeText(new URL(state.address(), location.href).href).then(() => true, () => false));
  const words = copied ? "The address of this view is on the clipboard." : "The browser keeps the clipboard from this page; the address bar holds this view.";
  announce(words);
  say(words);
};

const acts = {
  fit: () => stage.fit(),
  one: () => stage.look({ z: 1 }),
  in: () => stage.zoomBy(ZOOM_STEP),
  out: () => stage.zoomBy(1 / ZOOM_STEP),
  png: savePng,
  link: copyLink,
  help: () => keys.help(),
};
document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", acts[button.dataset.do]));
document.querySelectorAll("[data-switch]").forEach((button) => button.addEventListener("click", () => toggle(button.dataset.switch)));

state.on(["stretch", "limits", "gamma", "cmap"], draw);
state.on(["plane"], turnTo);
state.on(["dq"], drawFlags);
state.on(["north"], northUp);
state.on(["grid"], () => overlay.soon());
state.on(["north", "grid", "dq"], writeSwitches);

const form = new LookForm(element("look"), state, image, limitsNow);
const compare = new Compare(stage, state, scene, lookOf, (x, y) => { byKey = true; point(x, y); overlay.soon(); });
const keys = new Keys(stage, {
  0: acts.fit, 1: acts.one, "+": acts.in, "=": acts.in, "-": acts.out,
  ",": () => planes.step(-1), ".": () => planes.step(1),
  s: () => form.cycleStretch(), l: () => form.cycleLimits(), "[": () => form.cycleMap(-1), "]": () => form.cycleMap(1), i: () => form.invert(),
  n: () => toggle("north"), g: () => toggle("grid"), q: () => toggle("dq"),
  b: () => compare.swap(), d: () => state.set({ mode: state.mode === "side" ? "blink" : "side" }),
  r: () => marks.take("box"), c: () => marks.take("circle"), p: () => marks.take("line"),
  Escape: () => marks.take("move"), Delete: () => marks.removeLast(), Enter: () => marks.enter(cursor),
  e: savePng, f: () => element("cutout").click(), u: copyLink, "/": () => element("header-find").focus(), "?": () => keys.help(),
}, stepCursor);

// --- begin
planes.build(image, scene.info.images.find((one) => one.hdu === image.hdu)?.planes || []);
for (const name of ["north", "grid"]) document.querySelector(`[data-switch=${name}]`).disabled = !scene.sky;
document.querySelector("[data-switch=dq]").disabled = image.qualityHdu === null || image.qualityHdu === undefined;
spaxel.use(image);
writeSwitches();
draw();
if (state.dq) drawFlags();
stage.osd.world.addOnceHandler("add-item", () => {
  if (state.z) stage.look({ x: state.x - 1, y: state.y - 1, z: state.z }, true);
  if (state.north) northUp();
  if (!state.z) stage.fit(true);
});
element("levels-panel").hidden = image.draw !== "values";
// The histogram looks at every pixel: it waits until the picture is there, or did not come.
setTimeout(beginLevels, PATIENCE_MS);
