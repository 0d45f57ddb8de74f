// Lines of right ascension and declination.

import { stroke, write } from "./overlay.js";
import { decWords, raWords } from "./words.js";

const BLUE = "#9cc9ff";
const LINES = 6;
const POINTS = 48;
const SECOND = 1 / 3600;
const DEC_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000];
const RA_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800];

const stepOf = (range, steps, unit) => steps.map((step) => step * unit).find((step) => range / step <= LINES) || steps.at(-1) * unit;

// how far the picture reaches on the sky: right ascension as an offset from the middle's
const reach = (stage, sky, width, height) => {
  const [ra0] = sky.toSky(...stage.centre());
  const found = { ra0, ras: [], decs: [] };
  for (let row = 0; row <= 8; row += 1) {
    for (let column = 0; column <= 8; column += 1) {
      const [ra, dec] = sky.toSky(...stage.toImage((width * column) / 8, (height * row) / 8));
      found.ras.push(((ra - ra0 + 540) % 360) - 180);
      found.decs.push(dec);
    }
  }
  const range = { ra0, west: Math.min(...found.ras), east: Math.max(...found.ras), south: Math.min(...found.decs), north: Math.max(...found.decs) };
  for (const pole of [90, -90]) {
    const at = sky.toPixel(0, pole);
    const [px, py] = at ? stage.toScreen(...at) : [-1, -1];
    if (px >= 0 && py >= 0 && px <= width && py <= height) Object.assign(range, { west: -180, east: 180, [pole > 0 ? "north" : "south"]: pole });
  }
  return range;
};

// The path of a line, and where its label stands: where `better` says, of the points that leave it room.
const line = (stage, sky, places, width, height, better) => {
  const path = new Path2D();
  let pen = false;
  let label = null;
  for (const [ra, dec] of places) {
    const at = sky.toPixel(ra, dec);
    if (!at) { pen = false; continue; }
    const [x, y] = stage.toScreen(...at);
    if (pen) path.lineTo(x, y); else path.moveTo(x, y);
    pen = true;
    if (x > 2 && y > 18 && x < width - 92 && y < height - 44 && (!label || better([x, y], label))) label = [x, y];
  }
  return { path, label };
};

const lower = (one, other) => one[1] > other[1];
const lefter = (one, other) => one[0] < other[0];

const between = (from, to) => Array.from({ length: POINTS + 1 }, (_, at) => from + ((to - from) * at) / POINTS);

const multiples = (from, to, step) => {
  const first = Math.ceil(from / step);
  const last = Math.min(Math.floor(to / step), first + 400);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => (first + at) * step);
};

const digits = (step) => Math.min(4, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

export const grid = (stage, sky, state) => (pen, width, height) => {
  if (!sky || !state.grid) return;
  const { ra0, west, east, south, north } = reach(stage, sky, width, height);
  const raStep = stepOf(east - west, RA_STEPS, 15 * SECOND);
  const decStep = stepOf(north - south, DEC_STEPS, SECOND);
  const drawn = [];
  for (const ra of multiples(ra0 + west, ra0 + east, raStep)) {
    const found = line(stage, sky, between(south, north).map((dec) => [ra, dec]), width, height, lower);
    drawn.push({ ...found, text: raWords(((ra % 360) + 360) % 360, digits(raStep / 15 / SECOND)) });
  }
  for (const dec of multiples(south, north, decStep)) {
    const found = line(stage, sky, between(ra0 + west, ra0 + east).map((ra) => [ra, dec]), width, height, lefter);
    drawn.push({ ...found, text: decWords(dec, digits(decStep / SECOND)) });
  }
  for (const { path } of drawn) stroke(pen, path, BLUE, 0.75);
  for (const { label, text } of drawn) if (label) write(pen, text, label[0] + 4, label[1] - 8, BLUE);
};
