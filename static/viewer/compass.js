// North and east, and how long an arc is on the screen.

import { stroke, write } from "./overlay.js";
import { angleWords } from "./words.js";

const GOLD = "#f2c86b";
const ARM = 34;
const BAR = { least: 45, most: 130 };
const STEPS = [1, 2, 5];
const MINUTE = 60;

// screen direction of a vector of the image, length 1
const direction = (stage, [x, y], [dx, dy]) => {
  const length = Math.hypot(dx, dy);
  const [ax, ay] = stage.toScreen(x, y);
  const [bx, by] = stage.toScreen(x + (dx / length) * 10, y + (dy / length) * 10);
  const size = Math.hypot(bx - ax, by - ay);
  return [(bx - ax) / size, (by - ay) / size];
};

export const compass = (stage, sky) => (pen, width, height) => {
  if (!sky) return;
  const centre = stage.centre();
  const axes = sky.axesAt(...centre);
  if (!axes) return;
  const [cx, cy] = [width - 62, 62];
  for (const [name, vector] of [["N", axes.north], ["E", axes.east]]) {
    const [dx, dy] = direction(stage, centre, vector);
    const [tx, ty] = [cx + dx * ARM, cy + dy * ARM];
    const path = new Path2D();
    path.moveTo(cx, cy);
    path.lineTo(tx, ty);
    path.moveTo(tx - dx * 8 - dy * 4, ty - dy * 8 + dx * 4);
    path.lineTo(tx, ty);
    path.lineTo(tx - dx * 8 + dy * 4, ty - dy * 8 - dx * 4);
    stroke(pen, path, GOLD, 1.5);
    write(pen, name, tx + dx * 10, ty + dy * 10, GOLD, "center");
  }
};

// the longest round arc that fits: 1, 2, 5 … seconds, then minutes
const roundArc = (arcsecPerPixel) => {
  const most = BAR.most * arcsecPerPixel;
  const unit = most >= MINUTE ? MINUTE : 1;
  const power = 10 ** Math.floor(Math.log10(most / unit));
  const step = [...STEPS].reverse().find((one) => one * power * unit <= most) || 1;
  return step * power * unit;
};

export const scaleBar = (stage, sky) => (pen, width, height) => {
  const arcsec = sky?.scaleAt(...stage.centre());
  const perPixel = (arcsec || 1) / stage.zoom();
  const long = arcsec ? roundArc(perPixel) : roundPixels(perPixel);
  const [x, y, length] = [18, height - 20, long / perPixel];
  const path = new Path2D();
  path.moveTo(x, y - 5);
  path.lineTo(x, y);
  path.lineTo(x + length, y);
  path.lineTo(x + length, y - 5);
  stroke(pen, path, GOLD, 1.5);
  write(pen, arcsec ? angleWords(long) : `${long} px`, x + length / 2, y - 12, GOLD, "center");
};

const roundPixels = (perPixel) => {
  const power = 10 ** Math.floor(Math.log10(BAR.most * perPixel));
  return Math.max(1, [...STEPS].reverse().find((one) => one * power <= BAR.most * perPixel) * power);
};
