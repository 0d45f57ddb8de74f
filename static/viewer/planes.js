// The planes of a cube or a ramp: a slider for each axis, and the planes that have a name.

const SOON_MS = 80;
const nameOf = (plane) => plane.split(",")[0];
const NAMES = { median: "Median", difference: "Last − first group" };

export class Planes {
  constructor(root, state) {
    Object.assign(this, { root, state });
  }

  // Anew for each image; `image` is the plane that is shown, `named` the planes with a name.
  build(image, named) {
    this.image = image;
    this.root.replaceChildren();
    this.root.hidden = image.axes.every((axis) => axis.length === 1) && !named.length;
    this.at = image.axes.map((axis) => axis.at ?? 0);
    this.sliders = image.axes.map((axis, number) => this.slider(axis, number));
    this.named = named.map((name) => this.button(NAMES[name] || name, () => this.choose(name), name));
    if (this.named.length) this.root.append(this.group(this.named));
    this.write(image);
  }

  slider(axis, number) {
    const row = this.group([]);
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: 0, max: axis.length - 1, step: 1, value: axis.at ?? 0 });
    input.setAttribute("aria-label", axis.name);
    input.addEventListener("input", () => this.move(number, Number(input.value)));
    row.hidden = axis.length === 1;
    const words = document.createElement("span");
    words.className = "mono small";
    row.append(
      this.button("‹", () => this.move(number, this.at[number] - 1), "", `${axis.name} before`), input,
      this.button("›", () => this.move(number, this.at[number] + 1), "", `${axis.name} after`), words,
    );
    this.root.append(row);
    return { axis, input, words };
  }

  group(children) {
    const row = document.createElement("span");
    row.className = "set";
    row.append(...children);
    return row;
  }

  button(text, act, name = "", label = "") {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "button slim", textContent: text });
    if (label) made.setAttribute("aria-label", label);
    if (name) { made.dataset.name = name; made.setAttribute("aria-pressed", "false"); }
    made.addEventListener("click", act);
    return made;
  }

  // One step along the last axis, the one that changes fastest.
  step(by) {
    if (this.image?.axes.length) this.move(this.image.axes.length - 1, this.at[this.image.axes.length - 1] + by);
  }

  move(number, index) {
    const { length } = this.image.axes[number];
    this.at[number] = Math.min(length - 1, Math.max(0, index));
    this.say(number);
    this.soon(number === 0 && nameOf(this.image.plane) === "difference" ? this.made("difference") : this.at.join(","));
  }

  // The difference is that of the integration where its slider stands, and follows it.
  choose(name) { this.soon(nameOf(this.image.plane) === name ? this.at.join(",") : this.made(name)); }

  made(name) { return name === "difference" ? `${name},${this.at[0]}` : name; }

  // A slider that is dragged passes many planes; the one where it rests for a moment is drawn.
  soon(plane) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state.set({ plane }), SOON_MS);
  }

  // The image that is drawn now says where it is.
  write(image) {
    this.image = image;
    image.axes.forEach((axis, number) => {
      if (axis.at !== null && axis.at !== undefined) this.at[number] = axis.at;
      this.say(number);
    });
    for (const button of this.named) button.setAttribute("aria-pressed", String(nameOf(image.plane) === button.dataset.name));
  }

  say(number) {
    const { axis, input, words } = this.sliders[number];
    const index = this.at[number];
    const value = axis.values?.[index];
    const text = `${axis.name} ${index + 1} of ${axis.length}${value === undefined || value === null ? "" : ` · ${Number(value.toPrecision(7))} ${axis.unit || ""}`}`;
    input.value = String(index);
    input.setAttribute("aria-valuetext", text);
    words.textContent = text;
  }
}
