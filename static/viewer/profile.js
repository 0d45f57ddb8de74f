// The values along a line, beside the picture.

import { Plot, axis, short } from "./plot.js";

const HEIGHT = 170;
let plot;
let shown;
let last;

export const drawProfile = async (element, archive, image, line, point) => {
  element.hidden = !line;
  if (!line) { point(null); last = ""; return; }
  const [x0, y0, x1, y1] = line.map((value) => Number(value.toFixed(2)));
  const key = `${image.hdu} ${image.plane} ${line}`;
  if (key === last) return;
  last = key;
  try {
    shown = { ...(await archive.ask("profile", { hdu: image.hdu, plane: image.plane, x0, y0, x1, y1 })), point };
  } catch { return; }
  if (key !== last) return;
  plot ||= new Plot(element, HEIGHT, chart);
  plot.draw();
};

const chart = (ink) => ({
  options: {
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: { x: { time: false } },
    axes: [
      axis(ink, { label: "pixels along the line", values: (_, ticks) => short(ticks), labelSize: 18, size: 28 }),
      axis(ink, { label: shown.unit, values: (_, ticks) => short(ticks), size: 64, labelSize: 18 }),
    ],
    series: [{}, { stroke: ink.data, width: 1.25, points: { show: false } }],
    hooks: { setCursor: [(drawn) => { const at = drawn.cursor.idx; shown.point(at === null || at === undefined ? null : [shown.x[at], shown.y[at]]); }] },
  },
  data: [shown.distance, shown.value],
});
