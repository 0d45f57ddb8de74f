// Regions of a picture: a box, a circle, a line. Array positions; how they are written in an address and for DS9.

const ROUND = 1;

const number = (value) => String(Number(value.toFixed(ROUND)));

export const shapes = {
  box: {
    parts: 4,
    of: ([x0, y0], [x1, y1]) => {
      const edges = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)].map(Math.round);
      return [edges[0], edges[1], edges[2] + 1, edges[3] + 1];
    },
    corners: ([x0, y0, x1, y1]) => [[x0 - 0.5, y0 - 0.5], [x1 - 0.5, y0 - 0.5], [x1 - 0.5, y1 - 0.5], [x0 - 0.5, y1 - 0.5]],
    middle: ([x0, y0, x1, y1]) => [(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2],
    asked: ([x0, y0, x1, y1]) => ({ shape: "box", x0, y0, x1, y1 }),
    bounds: (at) => at,
    // FITS counts from 1 and names the last pixel, so the half-open end stays as it is.
    write: ([x0, y0, x1, y1]) => [x0 + 1, y0 + 1, x1, y1],
    read: ([x0, y0, x1, y1]) => [x0 - 1, y0 - 1, x1, y1],
  },
  circle: {
    parts: 3,
    of: ([x0, y0], [x1, y1]) => [x0, y0, Math.max(0.5, Math.hypot(x1 - x0, y1 - y0))],
    middle: ([x, y]) => [x, y],
    asked: ([x, y, r]) => ({ shape: "circle", x, y, r }),
    bounds: ([x, y, r]) => [Math.floor(x - r + 0.5), Math.floor(y - r + 0.5), Math.ceil(x + r + 0.5), Math.ceil(y + r + 0.5)],
    write: ([x, y, r]) => [x + 1, y + 1, r],
    read: ([x, y, r]) => [x - 1, y - 1, r],
  },
  line: {
    parts: 4,
    of: (from, to) => [...from, ...to],
    middle: ([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2],
    write: (at) => at.map((value) => value + 1),
    read: (at) => at.map((value) => value - 1),
  },
};

export const toText = (marks) => marks.map(({ kind, at }) => `${kind}:${shapes[kind].write(at).map(number).join(",")}`).join(";");

export const fromText = (text) => text.split(";").flatMap((part) => {
  const [kind, values = ""] = part.split(":");
  const at = values.split(",").map(Number);
  const known = shapes[kind];
  return known && at.length === known.parts && at.every(Number.isFinite) ? [{ kind, at: known.read(at) }] : [];
});

const degrees = (value) => value.toFixed(7);

const onSky = (sky, { kind, at }) => {
  const [x, y] = shapes[kind].middle(at);
  const place = sky.toSky(x, y).map(degrees).join(",");
  const scale = sky.scaleAt(x, y);
  const arc = (pixels) => `${(pixels * scale).toFixed(4)}"`;
  if (kind === "circle") return `circle(${place},${arc(at[2])})`;
  if (kind === "box") return `box(${place},${arc(at[2] - at[0])},${arc(at[3] - at[1])},${(-sky.northAt(x, y)).toFixed(4)})`;
  return `line(${[sky.toSky(at[0], at[1]), sky.toSky(at[2], at[3])].flat().map(degrees).join(",")}) # line=0 0`;
};

const onImage = ({ kind, at }) => {
  const [x, y] = shapes[kind].middle(at);
  if (kind === "circle") return `circle(${x + 1},${y + 1},${number(at[2])})`;
  if (kind === "box") return `box(${x + 1},${y + 1},${at[2] - at[0]},${at[3] - at[1]},0)`;
  return `line(${at.map((value) => number(value + 1)).join(",")}) # line=0 0`;
};

// A region file of DS9: on the sky where the picture has one, else in pixels.
export const regionFile = (marks, sky, name) => [
  "# Region file format: DS9 version 4.1",
  `# ${name}`,
  "global color=green width=1",
  sky ? "icrs" : "image",
  ...marks.map((mark) => (sky ? onSky(sky, mark) : onImage(mark))),
  "",
].join("\n");
