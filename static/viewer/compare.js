// Two pictures of the same sky: one over the other to blink, or side by side, aligned by their WCS.

import { Archive } from "./archive.js";
import { Overlay, cross } from "./overlay.js";
import { Sky } from "./sky.js";
import { Stage } from "./stage.js";

const BLINK_MS = 700;

// How pixels of `other` become pixels of `here` around a place: a matrix and the two pixels that are the same.
const alignment = (here, other, at) => {
  const there = other.toPixel(...here.toSky(...at));
  const from = there && other.axesAt(...there);
  const to = here.axesAt(...at);
  if (!from || !to) return null;
  const [a, b, c, d] = [from.east[0], from.north[0], from.east[1], from.north[1]];
  const determinant = a * d - b * c;
  const inverse = [[d / determinant, -b / determinant], [-c / determinant, a / determinant]];
  const times = (row) => [row[0] * inverse[0][0] + row[1] * inverse[1][0], row[0] * inverse[0][1] + row[1] * inverse[1][1]];
  const matrix = [times([to.east[0], to.north[0]]), times([to.east[1], to.north[1]])];
  const area = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0];
  const mirrored = area < 0;
  const first = mirrored ? -1 : 1;
  const angle = (Math.atan2(matrix[1][0] * first, matrix[0][0] * first) * 180) / Math.PI;
  return { at, there, matrix, mirrored, angle, scale: Math.sqrt(Math.abs(area)) };
};

export class Compare {
  constructor(stage, state, scene, lookOf, pointHere) {
    Object.assign(this, { stage, state, scene, lookOf, pointHere });
    this.panel = document.getElementById("compare-panel");
    this.panel.hidden = false;
    this.select = document.getElementById("with");
    if (!this.select) return;
    this.note = document.getElementById("compare-note");
    this.listen();
    if (state.with) this.choose();
  }

  listen() {
    const { state } = this;
    if (state.with && ![...this.select.options].some((option) => option.value === state.with)) this.select.append(new Option(`file ${state.with}`, state.with));
    this.select.value = state.with;
    this.select.addEventListener("change", () => state.set({ with: this.select.value }));
    for (const radio of this.panel.querySelectorAll("[name=mode]")) {
      radio.checked = radio.value === state.mode;
      radio.addEventListener("change", () => { if (radio.checked) state.set({ mode: radio.value }); });
    }
    document.getElementById("swap").addEventListener("click", () => this.swap());
    document.getElementById("blinking").addEventListener("change", (event) => this.blinking(event.target.checked));
    state.on(["with"], () => this.choose());
    state.on(["mode"], () => this.arrange());
    state.on(["stretch", "cmap", "gamma", "limits"], () => { if (this.other) this.arrange(); });
    state.on(["north"], () => this.follow());
    this.stage.addEventListener("rest", () => this.place());
    this.stage.addEventListener("frame", () => { if (this.leader !== "other") this.follow(); });
  }

  async choose() {
    this.clear();
    if (!this.state.with) { this.say(""); return; }
    const archive = new Archive({ api: `/api/files/${encodeURIComponent(this.state.with)}`, file: { v: "" } });
    try {
      const info = await archive.ask("cubeinfo", {});
      archive.v = info.v;
      const { wcs } = info.image;
      if (!wcs || !this.scene.sky) throw new Error("One of the two has no sky coordinates, so they cannot be aligned.");
      this.other = { archive, image: info.image, name: info.fileName, sky: new Sky(wcs) };
      this.arrange();
    } catch (error) { this.say(error.message); }
  }

  clear() {
    this.blinking(false);
    document.getElementById("blinking").checked = false;
    this.stage.hide("other");
    this.over = null;
    this.leaveSide();
    this.other = null;
  }

  arrange() {
    if (!this.other) return;
    if (this.state.mode === "side") { this.stage.hide("other"); this.over = null; this.beside(); } else { this.leaveSide(); this.lay(); }
  }

  // --- one over the other
  async lay() {
    const { image } = this.other;
    const place = this.placement();
    if (!place) { this.say("The two pictures do not share a piece of sky."); return; }
    const seen = this.over ? this.isSeen : true;
    const item = await this.stage.show("other", this.tiles(), image, place, seen ? 1 : 0);
    if (!item) return;
    this.over = item;
    item.preload = true;
    this.place();
    this.reveal(seen);
  }

  tiles() { return this.other.archive.tiles(this.other.image, this.lookOf(this.other.image)); }

  // Where OpenSeadragon puts the other picture: its place, width and angle in widths of this one.
  placement() {
    const { image, sky } = this.other;
    const found = alignment(this.scene.sky, sky, this.stage.centre());
    if (!found) return null;
    const { width, height } = this.stage.size;
    const [dx, dy] = [(image.width - 1) / 2 - found.there[0], (image.height - 1) / 2 - found.there[1]];
    const x = found.at[0] + found.matrix[0][0] * dx + found.matrix[0][1] * dy;
    const y = found.at[1] + found.matrix[1][0] * dx + found.matrix[1][1] * dy;
    const wide = (found.scale * image.width) / width;
    const high = (wide * image.height) / image.width;
    return { x: (x + 0.5) / width - wide / 2, y: (height - 0.5 - y) / width - high / 2, width: wide, degrees: -found.angle, flipped: found.mirrored };
  }

  // Distortion differs over the picture: aligned anew wherever the view comes to rest.
  place() {
    if (!this.over) return;
    const place = this.placement();
    if (!place) return;
    this.over.setPosition(new OpenSeadragon.Point(place.x, place.y), true);
    this.over.setWidth(place.width, true);
    this.over.setRotation(place.degrees, true);
    this.over.setFlip(place.flipped);
    this.stage.element.dataset.place = JSON.stringify(place);
  }

  reveal(seen) {
    this.isSeen = seen;
    this.over?.setOpacity(seen ? 1 : 0);
    this.say(`Shown: ${this.shownName}`);
    this.stage.element.dataset.shown = seen ? "other" : "this";
  }

  swap() { if (this.over) this.reveal(!this.isSeen); }

  blinking(on) {
    clearInterval(this.timer);
    if (on) this.timer = setInterval(() => this.swap(), BLINK_MS);
  }

  // --- side by side
  beside() {
    if (!this.second) {
      const element = document.createElement("div");
      element.className = "stage second";
      element.setAttribute("role", "img");
      element.setAttribute("aria-label", this.other.name);
      this.stage.element.parentElement.insertBefore(element, this.stage.element.nextSibling);
      element.parentElement.classList.add("two");
      this.second = new Stage(element, this.other.image);
      // Who is dragged leads; keys and buttons move the left one, wherever they are pressed.
      this.listening = new AbortController();
      const options = { capture: true, passive: true, signal: this.listening.signal };
      for (const name of ["pointerdown", "wheel"]) document.addEventListener(name, ({ target }) => { this.leader = element.contains(target) ? "other" : "this"; }, options);
      document.addEventListener("keydown", () => { this.leader = "this"; }, options);
      this.follower = new Overlay(this.second);
      this.follower.painters.push((pen) => { if (this.same) cross(pen, this.second.toScreen(...this.same)); });
      element.addEventListener("pointermove", (event) => this.pointThere(event));
      this.second.addEventListener("first", () => this.follow());
      this.second.addEventListener("frame", () => { if (this.leader === "other") this.lead(); });
    }
    this.second.show("image", this.tiles(), this.other.image);
  }

  // The same place of the sky in the other picture.
  point(x, y) {
    if (!this.second) return;
    this.same = this.other.sky.toPixel(...this.scene.sky.toSky(x, y));
    this.follower.soon();
  }

  pointThere(event) {
    const box = this.second.element.getBoundingClientRect();
    const there = this.second.toImage(event.clientX - box.left, event.clientY - box.top);
    const here = this.scene.sky.toPixel(...this.other.sky.toSky(...there));
    if (here) this.pointHere(...here);
  }

  leaveSide() {
    if (!this.second) return;
    this.listening.abort();
    this.leader = "this";
    this.second.element.parentElement.classList.remove("two");
    this.second.osd.destroy();
    this.second.element.remove();
    this.second = null;
  }

  follow() { if (this.second) this.match(this.stage, this.scene.sky, this.second, this.other.sky); }

  lead() { this.match(this.second, this.other.sky, this.stage, this.scene.sky); }

  // The second shows the same sky as the first: middle, scale and angle. Of a mirrored one north lies alike, and it is said.
  match(first, firstSky, second, secondSky) {
    const found = alignment(firstSky, secondSky, first.centre());
    if (!found) return;
    const turned = found.mirrored ? firstSky.northAt(...first.centre()) - secondSky.northAt(...found.there) : found.angle;
    second.viewport.setRotation(first.viewport.getRotation() - turned, true);
    this.say(`Right: ${this.other.name}${found.mirrored ? ", mirrored: its east lies on the other side" : ""}`);
    second.look({ x: found.there[0], y: found.there[1], z: first.zoom() * found.scale }, true);
  }

  // the name of what is seen in the left stage
  get shownName() { return this.over && this.isSeen ? this.other.name : this.scene.file.name; }

  say(text) { this.note.textContent = text; }
}
