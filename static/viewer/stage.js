// The picture itself: OpenSeadragon over the server's tiles, seen in pixels of the image.
// Pixels here are array positions, y upwards; OpenSeadragon counts from the top and takes the image's width as 1.

const STILL = matchMedia("(prefers-reduced-motion: reduce)").matches;
const CLOSEST = 64;
// Some hands, and some machines, need long for a click.
const SLOW_CLICK_MS = 3000;
const LAYERS = ["image", "other", "flags"];
const Point = OpenSeadragon.Point;

// OpenSeadragon would put a style of its own into the page, which the policy forbids and nobody needs. It looks first
// whether one is there; an element of that name that is no style satisfies it.
const taken = document.createElementNS("urn:none", "style");
taken.setAttribute("data-openseadragon-mobile-css", "");
document.head.append(taken);

export class Stage extends EventTarget {
  constructor(element, image) {
    super();
    this.element = element;
    this.size = { width: image.width, height: image.height };
    this.items = {};
    this.turns = {};
    this.osd = OpenSeadragon({
      element,
      drawer: "canvas",
      preserveViewport: true,
      showNavigationControl: false,
      keyboardNavEnabled: false,
      tabIndex: "",
      animationTime: STILL ? 0 : 0.25,
      springStiffness: 10,
      maxZoomPixelRatio: CLOSEST,
      minZoomImageRatio: 0.5,
      minPixelRatio: 0.75,
      visibilityRatio: 0.2,
      zoomPerScroll: 1.25,
      imageLoaderLimit: 8,
      maxImageCacheCount: 600,
      tileRetryMax: 3,
      tileRetryDelay: 1000,
      smoothTileEdgesMinZoom: Infinity,
      clickTimeThreshold: SLOW_CLICK_MS,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { dblClickToZoom: true, pinchRotate: false },
      gestureSettingsPen: { clickToZoom: false },
    });
    this.osd.addHandler("update-viewport", () => { this.sharpen(); this.tell("frame"); });
    this.osd.addHandler("animation-finish", () => this.tell("rest"));
    this.osd.addHandler("canvas-press", () => element.focus({ preventScroll: true }));
    this.osd.addHandler("tile-load-failed", () => this.tell("missing"));
    this.osd.addHandler("canvas-click", (event) => {
      if (event.quick && event.originalEvent.pointerType !== "mouse") this.tell("tap", this.toImage(event.position.x, event.position.y));
    });
    this.osd.addHandler("resize", () => this.tell("frame"));
  }

  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  get viewport() { return this.osd.viewport; }

  // Real pixels from 1:1 on, smooth ones below.
  sharpen() {
    const smooth = this.zoom() < 0.999;
    if (this.smooth === smooth) return;
    this.smooth = smooth;
    this.osd.drawer.setImageSmoothingEnabled(smooth);
  }

  // Draw a layer from these addresses; the old one stays until the new one is whole. The last call wins.
  show(layer, address, { width, height, levels, tileSize }, place = {}, opacity = 1) {
    const turn = (this.turns[layer] || 0) + 1;
    this.turns[layer] = turn;
    const tileSource = new OpenSeadragon.TileSource({ width, height, tileSize, tileOverlap: 0, minLevel: 0, maxLevel: levels - 1, getTileUrl: address });
    tileSource.hasTransparency = () => true;
    // A first picture comes coarse at once and then fine; a repaint, with the old one still there, comes fine alone.
    this.osd.immediateRender = Boolean(this.items[layer]);
    return new Promise((resolve) => {
      this.osd.addTiledImage({
        tileSource,
        opacity,
        ...place,
        success: ({ item }) => {
          item.layer = layer;
          this.sort();
          if (this.turns[layer] !== turn) { this.drop(item); resolve(null); return; }
          this.whenWhole(item, () => { this.replace(layer, item, turn); resolve(item); });
        },
        error: () => resolve(null),
      });
    });
  }

  // The image below, the other one over it, the flags on top; of one layer the newest on top.
  sort() {
    const { world } = this.osd;
    LAYERS.flatMap((layer) => this.layer(layer)).forEach((item, at) => world.setItemIndex(item, at));
  }

  whenWhole(item, act) {
    if (item.getFullyLoaded()) { act(); return; }
    item.addHandler("fully-loaded-change", function whole(event) {
      if (!event.fullyLoaded) return;
      item.removeHandler("fully-loaded-change", whole);
      act();
    });
  }

  replace(layer, item, turn) {
    if (this.turns[layer] !== turn) { this.drop(item); return; }
    const old = this.items[layer];
    this.items[layer] = item;
    item.immediateRender = false;
    for (const other of this.layer(layer)) if (other !== item) this.drop(other);
    if (old === undefined) this.tell("first", layer);
    this.tell("drawn", layer);
  }

  layer(layer) {
    const world = this.osd.world;
    return Array.from({ length: world.getItemCount() }, (_, at) => world.getItemAt(at)).filter((item) => item.layer === layer);
  }

  drop(item) { if (this.osd.world.getIndexOfItem(item) >= 0) this.osd.world.removeItem(item); }

  hide(layer) {
    this.turns[layer] = (this.turns[layer] || 0) + 1;
    delete this.items[layer];
    this.layer(layer).forEach((item) => this.drop(item));
  }

  // --- where things are
  toScreen(x, y) {
    const { width, height } = this.size;
    const at = this.viewport.pixelFromPoint(new Point((x + 0.5) / width, (height - 0.5 - y) / width), true);
    return [at.x, at.y];
  }

  toImage(px, py) {
    const { width, height } = this.size;
    const at = this.viewport.pointFromPixel(new Point(px, py), true);
    return [at.x * width - 0.5, height - 0.5 - at.y * width];
  }

  // screen pixels for one pixel of the image
  zoom(current = true) { return (this.viewport.getZoom(current) * this.viewport.getContainerSize().x) / this.size.width; }

  centre() {
    const { x, y } = this.viewport.getContainerSize();
    return this.toImage(x / 2, y / 2);
  }

  look({ x, y, z }, at_once = false) {
    const { width, height } = this.size;
    if (z) this.viewport.zoomTo((z * width) / this.viewport.getContainerSize().x, null, at_once);
    if (x !== undefined && x !== null) this.viewport.panTo(new Point((x + 0.5) / width, (height - 0.5 - y) / width), at_once);
    this.viewport.applyConstraints(at_once);
  }

  // The whole picture, turned as it is.
  fit(at_once = false) {
    const { width, height } = this.size;
    const { x, y } = this.viewport.getContainerSize();
    const turned = (this.viewport.getRotation() * Math.PI) / 180;
    const [cos, sin] = [Math.abs(Math.cos(turned)), Math.abs(Math.sin(turned))];
    const z = Math.min(x / (width * cos + height * sin), y / (width * sin + height * cos));
    this.look({ x: (width - 1) / 2, y: (height - 1) / 2, z }, at_once);
  }

  zoomBy(factor) { this.viewport.zoomBy(factor); this.viewport.applyConstraints(); }

  panBy(dx, dy) {
    const by = this.viewport.deltaPointsFromPixels(new Point(dx, dy), true).rotate(-this.viewport.getRotation());
    this.viewport.panBy(by);
    this.viewport.applyConstraints();
  }

  turn(degrees) { this.viewport.setRotation(degrees, true); this.tell("frame"); }

  // array pixels that are seen: [x0, y0, x1, y1], half open, inside the image
  seen() {
    const { x, y } = this.viewport.getContainerSize();
    const corners = [[0, 0], [x, 0], [0, y], [x, y]].map(([px, py]) => this.toImage(px, py));
    const clip = (value, most) => Math.min(most, Math.max(0, value));
    const xs = corners.map((corner) => corner[0]);
    const ys = corners.map((corner) => corner[1]);
    return [
      clip(Math.floor(Math.min(...xs) + 0.5), this.size.width - 1), clip(Math.floor(Math.min(...ys) + 0.5), this.size.height - 1),
      clip(Math.ceil(Math.max(...xs) + 0.5), this.size.width), clip(Math.ceil(Math.max(...ys) + 0.5), this.size.height),
    ];
  }
}
