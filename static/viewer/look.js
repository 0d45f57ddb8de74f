// A remote file's reduced picture in the viewer: moved, turned, with its sky, before anything of it is imported.

import { compass, scaleBar } from "./compass.js";
import { grid } from "./grid.js";
import { Overlay } from "./overlay.js";
import { Readout } from "./readout.js";
import { Sky } from "./sky.js";
import { Stage } from "./stage.js";

const ZOOM_STEP = 1.5;
const PAN_PX = 80;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const scene = JSON.parse(document.getElementById("scene").textContent);
const element = (id) => document.getElementById(id);
const reduced = element("reduced");
const switches = { north: false, grid: false };
const sky = scene.wcs ? new Sky(scene.wcs) : null;

const begin = () => {
  for (const id of ["bar", "stage"]) element(id).hidden = false;
  reduced.hidden = true;
  const stage = new Stage(element("stage"), scene);
  const overlay = new Overlay(stage);
  const readout = new Readout(element("readout"), null, {});
  overlay.painters.push(grid(stage, sky, switches), compass(stage, sky), scaleBar(stage, sky));
  stage.addEventListener("first", () => { stage.element.dataset.drawn = "1"; });
  const { naturalWidth: width, naturalHeight: height } = reduced;
  stage.show("image", () => reduced.src, { width, height, levels: 1, tileSize: Math.max(width, height) });
  stage.osd.world.addOnceHandler("add-item", () => stage.fit(true));

  stage.element.addEventListener("pointermove", (event) => {
    const box = stage.element.getBoundingClientRect();
    readout.show(scene, sky, ...stage.toImage(event.clientX - box.left, event.clientY - box.top));
  });
  const acts = { fit: () => stage.fit(), in: () => stage.zoomBy(ZOOM_STEP), out: () => stage.zoomBy(1 / ZOOM_STEP) };
  document.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", acts[button.dataset.do]));
  document.querySelectorAll("[data-switch]").forEach((button) => {
    button.disabled = !sky;
    button.addEventListener("click", () => {
      const name = button.dataset.switch;
      switches[name] = !switches[name];
      button.setAttribute("aria-pressed", String(switches[name]));
      if (name === "north") stage.turn(switches.north ? sky.northAt(...stage.centre()) : 0); else overlay.soon();
    });
  });
  stage.element.addEventListener("keydown", (event) => {
    const keys = { "+": acts.in, "=": acts.in, "-": acts.out, 0: acts.fit };
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(arrow || keys[event.key])) return;
    event.preventDefault();
    if (arrow) stage.panBy(arrow[0] * PAN_PX, arrow[1] * PAN_PX); else keys[event.key]();
  });
};

// The picture is read from far away: the page shows it when it comes, and says so when it does not.
reduced.decode().then(begin, () => { reduced.alt = "The reduced picture did not come; try again in a moment."; });
