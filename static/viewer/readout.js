// What is under the cursor: place at once, value and flags from blocks of pixels that are fetched as the cursor comes near.

import { decWords, degreesWords, raWords, valueWords } from "./words.js";

const BLOCK = 64;
const KEPT = 120;
const SOON_MS = 40;

export class Values extends EventTarget {
  constructor(archive) {
    super();
    this.archive = archive;
    this.blocks = new Map();
  }

  // { value, flag } of a pixel; undefined while its block is on its way
  at(image, x, y) {
    const [column, row] = [Math.floor(x / BLOCK), Math.floor(y / BLOCK)];
    const key = `${image.hdu} ${image.plane} ${column} ${row}`;
    const block = this.blocks.get(key);
    if (!block) { this.soon(key, image, column, row); return undefined; }
    const [down, along] = [y - block.y + BLOCK / 2, x - block.x + BLOCK / 2];
    return { value: block.values?.[down]?.[along], flag: block.flagValues?.[down]?.[along] };
  }

  // Only the block where the cursor rests for a moment is asked for.
  soon(key, image, column, row) {
    if (this.wanted === key) return;
    this.wanted = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(key, image, column, row), SOON_MS);
  }

  async fetch(key, image, column, row) {
    const middle = (at, length) => Math.min(at * BLOCK + BLOCK / 2, length - 1);
    const place = { x: middle(column, image.width), y: middle(row, image.height), box: BLOCK + 1 };
    try {
      const block = await this.archive.ask("pixel", { hdu: image.hdu, plane: image.plane, ...place });
      this.keep(key, block);
    } catch {
      // The place is shown without its value; the next move asks again.
    }
    if (this.wanted === key) this.wanted = "";
    this.dispatchEvent(new Event("arrived"));
  }

  keep(key, block) {
    this.blocks.set(key, block);
    if (this.blocks.size > KEPT) this.blocks.delete(this.blocks.keys().next().value);
  }
}

// Without `values`, place and sky alone are told: a remote file is not read for every move.
export class Readout {
  constructor(root, values, names) {
    this.values = values;
    this.names = names;
    this.part = Object.fromEntries([...root.querySelectorAll("[data-of]")].map((element) => [element.dataset.of, element]));
    root.hidden = false;
    values?.addEventListener("arrived", () => { if (this.last) this.show(...this.last); });
  }

  // x, y: a place in array positions, pixels' centres being whole
  show(image, sky, x, y) {
    this.last = [image, sky, x, y];
    const [column, row] = [Math.round(x), Math.round(y)];
    const inside = column >= 0 && row >= 0 && column < image.width && row < image.height;
    this.write("xy", `${(x + 1).toFixed(1)}, ${(y + 1).toFixed(1)}`);
    this.place(sky?.toSky(x, y));
    if (this.values) this.pixel(image, inside ? this.values.at(image, column, row) : null);
  }

  place(at) {
    this.write("sky", at ? `${raWords(at[0])} ${decWords(at[1])}` : "no sky coordinates");
    this.write("degrees", at ? degreesWords(...at) : "–");
  }

  pixel(image, found) {
    if (found === undefined) { this.part.value.dataset.late = "1"; return; }
    delete this.part.value.dataset.late;
    if (found === null) { this.write("value", "outside"); this.write("flags", "–"); return; }
    const unit = image.draw === "values" && image.unit ? ` ${image.unit}` : "";
    this.write("value", valueWords(found.value) + unit);
    if (image.role === "context") { this.write("flags", this.inputs(found.value, image)); return; }
    const flag = image.draw === "flags" ? found.value : found.flag;
    this.write("flags", flag === undefined || flag === null ? "no quality plane" : this.flags(flag));
  }

  // Bits of a context image are no flags: each stands for one of the exposures that were combined, 32 to a plane.
  inputs(value, image) {
    const first = 32 * (image.axes[0]?.at ?? 0) + 1;
    const found = this.bits(value ?? 0).map((bit) => first + bit);
    return found.length ? `from input ${found.join(", ")}` : "from no input";
  }

  bits(value) {
    const all = BigInt.asUintN(32, BigInt(Math.trunc(value)));
    return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (all >> BigInt(bit)) & 1n);
  }

  // the names of a quality value's bits; `bits` counts in BigInt, because bit 31 is in use
  flags(value) {
    return this.bits(value).map((bit) => this.names[bit] || `bit ${bit}`).join(", ") || "none";
  }

  write(name, text) { if (this.part[name].textContent !== text) this.part[name].textContent = text; }

  words() { return ["xy", "value", "sky", "flags"].map((name) => this.part[name].textContent).join("; "); }
}
