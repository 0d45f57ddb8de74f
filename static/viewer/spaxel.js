// The values of one pixel through all planes of a cube: a spectrum of an IFU, a light curve of integrations.

import { Plot, axis, short } from "./plot.js";
import { valueWords } from "./words.js";

const HEIGHT = 190;

export class Spaxel {
  constructor(panel, stage, archive, state) {
    Object.assign(this, { panel, archive, state });
    this.note = panel.querySelector(".note-line");
    this.plot = new Plot(panel.querySelector(".plot"), HEIGHT, (ink) => this.chart(ink));
    stage.osd.addHandler("canvas-click", (event) => {
      if (event.quick && stage.element.dataset.tool in { move: 1, undefined: 1 }) this.at(...stage.toImage(event.position.x, event.position.y));
    });
  }

  // `image` is the plane that is shown; only cubes with one axis have a line through them.
  use(image) { this.image = image.axes.length === 1 && image.axes[0].length > 1 && image.draw === "values" ? image : null; }

  async at(x, y) {
    const [column, row] = [Math.round(x), Math.round(y)];
    const { image } = this;
    if (!image || column < 0 || row < 0 || column >= image.width || row >= image.height) return;
    try {
      this.found = await this.archive.ask("spectrum-at", { hdu: image.hdu, x: column, y: row });
      this.panel.hidden = false;
      this.note.textContent = `Pixel ${column + 1}, ${row + 1}. Click in the plot to see that plane.`;
      this.plot.draw();
    } catch (error) { this.note.textContent = error.message; }
  }

  chart(ink) {
    const { axis: along, value, unit } = this.found;
    const xs = along.values?.length ? along.values : value.map((_, at) => at + 1);
    const options = {
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: true }, points: { size: 6 } },
      scales: { x: { time: false } },
      axes: [
        axis(ink, { label: along.values?.length ? `${along.name} (${along.unit})` : along.name, values: (_, ticks) => short(ticks), size: 28, labelSize: 18 }),
        axis(ink, { label: unit, values: (_, ticks) => short(ticks), size: 64, labelSize: 18 }),
      ],
      series: [{}, { stroke: ink.data, width: 1.25, points: { show: false } }],
      hooks: { ready: [(drawn) => drawn.over.addEventListener("click", () => this.turn(drawn))] },
    };
    return { options, data: [xs, value] };
  }

  turn(drawn) {
    const at = drawn.cursor.idx;
    if (at === null || at === undefined) return;
    this.note.textContent = `${valueWords(drawn.data[0][at])} ${this.found.axis.unit}: ${valueWords(drawn.data[1][at])} ${this.found.unit}`;
    this.state.set({ plane: String(at) });
  }
}
