// The state of the view. It is the page's address: a view can be mailed, and without scripts the same names are a form.

const LATER_MS = 300;
const TEXTS = { stretch: "asinh", limits: "zscale", cmap: "gray", plane: "", with: "", mode: "blink", marks: "" };
const NUMBERS = { gamma: 1, x: null, y: null, z: null };
const SWITCHES = ["north", "grid", "dq"];

export class State extends EventTarget {
  constructor(image) {
    super();
    const query = new URLSearchParams(location.search);
    this.hdu = image.hdu;
    this.first = image.plane;
    for (const [name, usual] of Object.entries(TEXTS)) this[name] = query.get(name) || usual;
    this.plane = image.plane;
    for (const [name, usual] of Object.entries(NUMBERS)) {
      const given = query.get(name);
      this[name] = given !== null && given !== "" && Number.isFinite(Number(given)) ? Number(given) : usual;
    }
    for (const name of SWITCHES) this[name] = query.get(name) === "1";
  }

  // Change some of it; listeners hear which names changed.
  set(changes) {
    const changed = Object.keys(changes).filter((name) => this[name] !== changes[name]);
    if (!changed.length) return;
    Object.assign(this, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(changed) }));
    this.keep();
  }

  on(names, act) {
    this.addEventListener("change", (event) => { if (names.some((name) => event.detail.has(name))) act(event.detail); });
  }

  keep() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => history.replaceState(history.state, "", this.address()), LATER_MS);
  }

  // the address of this view; what is as usual is left out
  address() {
    const query = new URLSearchParams(location.search);
    const put = (name, value, usual) => { if (value === usual || value === null || value === "") query.delete(name); else query.set(name, value); };
    put("plane", this.plane, undefined);
    for (const [name, usual] of Object.entries(TEXTS)) if (name !== "plane") put(name, this[name], usual);
    put("gamma", this.gamma, 1);
    for (const [name, digits] of [["x", 1], ["y", 1], ["z", 4]]) put(name, this[name] === null ? null : String(Number(this[name].toFixed(digits))), null);
    for (const name of SWITCHES) put(name, this[name] ? "1" : "", "");
    const text = query.toString();
    return location.pathname + (text ? `?${text}` : "");
  }
}
