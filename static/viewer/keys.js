// Keys. Single letters work in the picture, and on the whole page unless the visitor switched that off.

const KEPT = "viewer-keys";
const PAN_PX = 80;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Keys {
  constructor(stage, acts, arrows) {
    this.stage = stage;
    this.acts = acts;
    this.arrows = arrows;
    this.sheet = document.getElementById("keys");
    this.everywhere = document.getElementById("keys-on");
    try { this.everywhere.checked = localStorage.getItem(KEPT) !== "off"; } catch { /* storage may be off */ }
    this.everywhere.addEventListener("change", () => { try { localStorage.setItem(KEPT, this.everywhere.checked ? "on" : "off"); } catch { /* as above */ } });
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || this.sheet.open) return;
    const inside = this.stage.element.contains(event.target);
    if (ARROWS[event.key]) { if (inside) this.arrow(event); return; }
    if (!inside && (event.target.closest("input, select, textarea, dialog, [role=slider]") || !this.everywhere.checked)) return;
    if (!inside && (event.key === "Enter" || event.key === " ")) return;
    const act = this.acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  arrow(event) {
    event.preventDefault();
    const [dx, dy] = ARROWS[event.key];
    if (event.shiftKey) this.arrows(dx, -dy); else this.stage.panBy(dx * PAN_PX, dy * PAN_PX);
  }

  help() { this.sheet.showModal(); }
}
