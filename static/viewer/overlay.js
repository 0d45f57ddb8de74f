// What is drawn over the picture: a canvas that follows every frame, and the painters that draw on it.

export class Overlay {
  constructor(stage) {
    this.stage = stage;
    this.painters = [];
    this.canvas = document.createElement("canvas");
    this.canvas.className = "overlay";
    this.canvas.setAttribute("aria-hidden", "true");
    stage.element.append(this.canvas);
    for (const name of ["frame", "drawn"]) stage.addEventListener(name, () => this.soon());
  }

  soon() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(this.canvas, devicePixelRatio); });
  }

  // Also for the exported picture, which leaves out what belongs to the cursor only.
  paint(canvas, ratio, exported = false) {
    const { clientWidth: width, clientHeight: height } = this.stage.element;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    for (const painter of this.painters) painter(pen, width, height, exported);
  }
}

// A line that is seen on light and on dark.
export const stroke = (pen, path, colour, width = 1.25) => {
  pen.lineJoin = "round";
  pen.strokeStyle = "rgb(0 0 0 / 65%)";
  pen.lineWidth = width + 2;
  pen.stroke(path);
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke(path);
};

export const write = (pen, text, x, y, colour, align = "left") => {
  pen.font = "600 12px system-ui, sans-serif";
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.strokeStyle = "rgb(0 0 0 / 75%)";
  pen.lineWidth = 3;
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
};

// A cross that leaves the pixel itself free.
export const cross = (pen, [x, y]) => {
  const path = new Path2D();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { path.moveTo(x + dx * 5, y + dy * 5); path.lineTo(x + dx * 16, y + dy * 16); }
  stroke(pen, path, "#fff", 1.5);
};
