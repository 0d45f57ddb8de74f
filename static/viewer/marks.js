// Regions are drawn, measured and listed here; shapes.js knows what they are.

import { stroke, write } from "./overlay.js";
import { fromText, regionFile, shapes, toText } from "./shapes.js";
import { announce, decWords, raWords, valueWords } from "./words.js";
import { drawProfile } from "./profile.js";

const GREEN = "#7ee0a0";
const LEAST_DRAG_PX = 4;
const COLUMNS = [["pixels", "Pixels"], ["count", "Finite"], ["good", "Good"], ["mean", "Mean"], ["median", "Median"], ["std", "Std dev"], ["sum", "Sum"], ["min", "Min"], ["max", "Max"]];

export class Marks {
  constructor(stage, state, archive, scene) {
    Object.assign(this, { stage, state, archive, scene, tool: "move", draft: null, facts: new Map() });
    this.panel = document.getElementById("marks-panel");
    this.list = document.getElementById("marks");
    this.marks = fromText(state.marks);
    this.listen();
    this.refresh();
  }

  listen() {
    const { osd } = this.stage;
    osd.addHandler("canvas-press", (event) => { if (this.tool !== "move") this.from = this.stage.toImage(event.position.x, event.position.y); });
    osd.addHandler("canvas-drag", (event) => {
      if (this.tool === "move") return;
      event.preventDefaultAction = true;
      this.draft = { kind: this.tool, at: this.shape(this.from, this.stage.toImage(event.position.x, event.position.y)) };
      this.stage.tell("frame");
    });
    osd.addHandler("canvas-release", (event) => {
      const drawn = this.draft;
      this.draft = null;
      if (drawn && this.tool !== "move" && this.isLarge(event.position)) this.add(drawn);
    });
    document.getElementById("save-reg").addEventListener("click", () => this.save());
    document.getElementById("clear-marks").addEventListener("click", () => this.put([]));
    document.querySelectorAll("[data-tool]").forEach((button) => button.addEventListener("click", () => this.take(button.dataset.tool)));
  }

  // A box keeps to the pixels that there are.
  shape(from, to) {
    const { width, height } = this.image;
    const within = ([x, y]) => [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))];
    return this.tool === "box" ? shapes.box.of(within(from), within(to)) : shapes[this.tool].of(from, to);
  }

  isLarge({ x, y }) {
    const [px, py] = this.stage.toScreen(...this.from);
    return Math.hypot(x - px, y - py) >= LEAST_DRAG_PX;
  }

  take(tool) {
    this.tool = tool;
    this.corner = null;
    document.querySelectorAll("[data-tool]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.tool === tool)));
    this.stage.element.dataset.tool = tool;
  }

  // Enter: the first corner, then the other, at the cursor.
  enter(at) {
    if (this.tool === "move" || !at) return;
    if (!this.corner) { this.corner = at; announce("First corner set; move and press Enter again."); return; }
    this.add({ kind: this.tool, at: this.shape(this.corner, at) });
    this.corner = null;
  }

  add(mark) { this.put([...this.marks, mark]); }

  removeLast() { this.put(this.marks.slice(0, -1)); }

  put(marks) {
    this.marks = marks;
    this.state.set({ marks: toText(marks) });
    this.stage.tell("frame");
    this.refresh();
  }

  // Measures what is new, and everything after the plane changed.
  refresh(image = this.scene.info.image) {
    this.image = image;
    this.panel.hidden = !this.marks.length;
    this.write();
    for (const mark of this.marks) if (mark.kind !== "line" && !this.facts.has(this.key(mark))) this.measure(mark);
    const line = this.marks.findLast((mark) => mark.kind === "line");
    drawProfile(document.getElementById("profile"), this.archive, image, line?.at, (at) => this.point(at));
  }

  key({ kind, at }) { return `${this.image.hdu} ${this.image.plane} ${kind} ${at}`; }

  async measure(mark) {
    const key = this.key(mark);
    this.facts.set(key, {});
    try {
      this.facts.set(key, await this.archive.ask("stats", { hdu: this.image.hdu, plane: this.image.plane, ...shapes[mark.kind].asked(mark.at) }));
    } catch (error) { this.facts.set(key, { problem: error.message }); }
    this.write();
  }

  point(at) { this.pointed = at; this.stage.tell("frame"); }

  // --- the list
  write() {
    const table = document.createElement("table");
    table.className = "plain";
    const unit = this.image.draw === "values" ? this.image.unit : "";
    table.createCaption().textContent = `Values are of the finite pixels${unit && `, in ${unit}`}; good ones are not flagged DO_NOT_USE, NON_SCIENCE or REFERENCE_PIXEL`;
    table.createTHead().append(this.row("th", ["Region", "", "Centre", ...COLUMNS.map(([, title]) => title)]));
    const body = table.createTBody();
    this.marks.forEach((mark, at) => body.append(this.line(mark, at)));
    this.list.replaceChildren(table);
  }

  line(mark, number) {
    const facts = this.facts.get(this.key(mark)) || {};
    const place = this.scene.sky?.toSky(...shapes[mark.kind].middle(mark.at));
    const cells = COLUMNS.map(([name]) => (name in facts ? valueWords(facts[name]) : ""));
    const where = place ? `${raWords(place[0], 3)} ${decWords(place[1], 2)}` : shapes[mark.kind].middle(mark.at).map((value) => (value + 1).toFixed(1)).join(", ");
    const row = this.row("td", [`${number + 1} ${mark.kind}`, "", where, ...(facts.problem ? [facts.problem, ...cells.slice(1)] : cells)]);
    row.cells[1].append(...this.actions(mark, number));
    return row;
  }

  row(kind, texts) {
    const row = document.createElement("tr");
    texts.forEach((text, at) => {
      const cell = document.createElement(kind === "td" && at === 0 ? "th" : kind);
      if (kind === "th" || at === 0) cell.scope = kind === "th" ? "col" : "row";
      cell.className = at > 2 ? "num mono" : "nowrap mono";
      if (kind === "th" && !text) cell.append(Object.assign(document.createElement("span"), { className: "vh", textContent: "Actions" }));
      else cell.textContent = text;
      row.append(cell);
    });
    return row;
  }

  actions(mark, number) {
    const remove = document.createElement("button");
    Object.assign(remove, { type: "button", className: "button slim bare", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove region ${number + 1}`);
    remove.addEventListener("click", () => this.put(this.marks.filter((_, at) => at !== number)));
    if (mark.kind === "line") return [remove];
    const cut = document.createElement("a");
    Object.assign(cut, { className: "button slim bare", textContent: "FITS", download: "", href: this.cutout(shapes[mark.kind].bounds(mark.at)) });
    cut.setAttribute("aria-label", `FITS cut-out of region ${number + 1}`);
    return [cut, remove];
  }

  cutout([x0, y0, x1, y1]) {
    const clip = (value, most) => Math.min(most, Math.max(0, value));
    const { width, height, hdu, plane } = this.image;
    return this.archive.address("cutout", { hdu, plane, x0: clip(x0, width - 1), y0: clip(y0, height - 1), x1: clip(x1, width), y1: clip(y1, height) });
  }

  save() {
    const text = regionFile(this.marks, this.scene.sky, this.scene.file.name);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = this.scene.file.name.replace(/\.fits(\.gz)?$/, ".reg");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // --- the drawing
  painter() {
    return (pen) => {
      const drawn = this.draft ? [...this.marks, this.draft] : this.marks;
      drawn.forEach((mark, at) => this.paint(pen, mark, at));
      if (this.pointed) this.dot(pen, this.pointed);
    };
  }

  paint(pen, { kind, at }, number) {
    const path = new Path2D();
    const screen = (x, y) => this.stage.toScreen(x, y);
    let label;
    if (kind === "circle") {
      label = screen(at[0], at[1]);
      path.arc(...label, at[2] * this.stage.zoom(), 0, 2 * Math.PI);
    } else {
      const corners = kind === "box" ? shapes.box.corners(at).map((corner) => screen(...corner)) : [screen(at[0], at[1]), screen(at[2], at[3])];
      corners.forEach((corner, index) => (index ? path.lineTo(...corner) : path.moveTo(...corner)));
      if (kind === "box") path.closePath();
      label = corners[0];
    }
    stroke(pen, path, GREEN, 1.5);
    write(pen, String(number + 1), label[0] + 5, label[1] - 9, GREEN);
  }

  dot(pen, [x, y]) {
    const path = new Path2D();
    path.arc(...this.stage.toScreen(x, y), 4, 0, 2 * Math.PI);
    stroke(pen, path, GREEN, 2);
  }
}
