// The form beside the picture: every choice is seen at once. The same form is sent where no scripts run.

import { announce } from "./words.js";

const FIELDS = ["stretch", "limits", "gamma", "cmap"];
const INVERTED = "_r";
const BY_HAND = "by hand";
const GAMMA = { least: 0.1, most: 10 };

export class LookForm {
  constructor(form, state, image, limitsNow) {
    Object.assign(this, { form, state, limitsNow });
    this.kinds = this.limitKinds(form.elements.limits);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => this.changed(event.target));
    if (image.draw !== "values") [...FIELDS.map((name) => form.elements[name]), this.kinds].forEach((field) => { field.disabled = true; });
    state.on(FIELDS, () => this.write());
    this.write();
  }

  // A list of the known limits; the field for two values shows only when it is they that are used.
  limitKinds(field) {
    const select = document.createElement("select");
    select.id = "limit-kinds";
    const known = [...document.getElementById("limits-known").options];
    select.append(...known.map((option) => new Option(option.value, option.value)), new Option(BY_HAND, BY_HAND));
    select.title = known.map((option) => `${option.value}: ${option.textContent}`).join("\n");
    field.before(select);
    field.setAttribute("aria-label", "Lower and upper limit");
    field.previousElementSibling.previousElementSibling.htmlFor = select.id;
    return select;
  }

  changed(field) {
    const { name, value } = field;
    if (field === this.kinds) { this.state.set({ limits: value === BY_HAND ? this.limitsNow().map((limit) => Number(limit.toPrecision(6))).join(",") : value }); return; }
    if (name === "hdu") { this.leaveFor(value); return; }
    if (name === "gamma") { this.state.set({ gamma: Math.min(GAMMA.most, Math.max(GAMMA.least, Number(value) || 1)) }); return; }
    if (FIELDS.includes(name)) this.state.set({ [name]: value.trim() || "zscale" });
  }

  write() {
    for (const name of FIELDS) {
      const field = this.form.elements[name];
      if (document.activeElement !== field || field.tagName === "SELECT") field.value = this.state[name];
    }
    const known = [...this.kinds.options].some((option) => option.value === this.state.limits);
    this.kinds.value = known ? this.state.limits : BY_HAND;
    this.form.elements.limits.hidden = known;
  }

  // Another HDU is another page at the same place.
  leaveFor(hdu) {
    const address = new URL(this.state.address(), location.href);
    address.searchParams.set("hdu", hdu);
    address.searchParams.delete("plane");
    location.assign(address);
  }

  // --- by keys
  next(field, by) {
    const options = [...field.options].map((option) => option.value).filter((value) => value !== BY_HAND);
    return options[(Math.max(0, options.indexOf(field.value)) + by + options.length) % options.length];
  }

  cycleStretch() { this.put({ stretch: this.next(this.form.elements.stretch, 1) }); }

  cycleLimits() { this.put({ limits: this.next(this.kinds, 1) }); }

  cycleMap(by) {
    const maps = [...this.form.elements.cmap.options].map((option) => option.value).filter((name) => !name.endsWith(INVERTED));
    const inverted = this.state.cmap.endsWith(INVERTED) ? INVERTED : "";
    const at = maps.indexOf(this.state.cmap.replace(INVERTED, ""));
    this.put({ cmap: maps[(at + by + maps.length) % maps.length] + inverted });
  }

  invert() { this.put({ cmap: this.state.cmap.endsWith(INVERTED) ? this.state.cmap.slice(0, -INVERTED.length) : this.state.cmap + INVERTED }); }

  put(change) {
    if (this.kinds.disabled) return;
    this.state.set(change);
    announce(Object.values(change)[0]);
  }
}
