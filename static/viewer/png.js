// A PNG of what is seen, drawn marks included, that knows where on the sky it lies.

const DEG = Math.PI / 180;
const SIGNATURE = 8;

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let sum = value;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

const crc = (bytes) => {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
};

const chunk = (type, content) => {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc(bytes.subarray(4, 8 + content.length)));
  return bytes;
};

const text = (keyword, value) => chunk("tEXt", new TextEncoder().encode(`${keyword}\0${value}`));

// International text: keyword, no compression, no language, no translation.
const xmp = (packet) => chunk("iTXt", new TextEncoder().encode(`XML:com.adobe.xmp\0\0\0\0\0${packet}`));

// The WCS of the exported picture from how its pixels lie on the sky; FITS convention, row 1 at the bottom.
export const pictureWcs = (stage, sky, width, height, ratio) => {
  const [cx, cy] = [width / ratio / 2, height / ratio / 2];
  const place = (px, py) => sky.toSky(...stage.toImage(px, py));
  const [ra, dec] = place(cx, cy);
  const offset = ([a, d]) => [(((a - ra + 540) % 360) - 180) * Math.cos(dec * DEG), d - dec];
  const step = 4;
  const [right, up] = [offset(place(cx + step, cy)), offset(place(cx, cy - step))];
  const per = step * ratio;
  return {
    CTYPE1: "RA---TAN", CTYPE2: "DEC--TAN", CUNIT1: "deg", CUNIT2: "deg", RADESYS: "ICRS",
    CRVAL1: ra, CRVAL2: dec, CRPIX1: width / 2 + 0.5, CRPIX2: height / 2 + 0.5,
    CD1_1: right[0] / per, CD1_2: up[0] / per, CD2_1: right[1] / per, CD2_2: up[1] / per,
  };
};

// Astronomy Visualization Metadata, which planetarium programs and WorldWide Telescope read.
const avm = (wcs, title, width, height) => {
  const scale = Math.hypot(wcs.CD1_2, wcs.CD2_2);
  const rotation = Math.atan2(-wcs.CD1_2, wcs.CD2_2) / DEG;
  const list = (name, values) => `<avm:${name}><rdf:Seq>${values.map((value) => `<rdf:li>${value}</rdf:li>`).join("")}</rdf:Seq></avm:${name}>`;
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:avm="http://www.communicatingastronomy.org/avm/1.0/">`
    + `<avm:MetadataVersion>1.2</avm:MetadataVersion><avm:Spatial.CoordinateFrame>ICRS</avm:Spatial.CoordinateFrame><avm:Spatial.CoordsystemProjection>TAN</avm:Spatial.CoordsystemProjection>`
    + `${list("Spatial.ReferenceValue", [wcs.CRVAL1, wcs.CRVAL2])}${list("Spatial.ReferenceDimension", [width, height])}${list("Spatial.ReferencePixel", [wcs.CRPIX1, wcs.CRPIX2])}`
    + `${list("Spatial.Scale", [-scale, scale])}<avm:Spatial.Rotation>${rotation}</avm:Spatial.Rotation><avm:Spatial.Quality>Full</avm:Spatial.Quality><avm:ResourceID>${title}</avm:ResourceID>`
    + "</rdf:Description></rdf:RDF></x:xmpmeta>";
};

// The chunks go after the picture's head, IHDR, as the PNG standard wants them before its data.
const withChunks = (bytes, chunks) => {
  const head = SIGNATURE + 25;
  return new Blob([bytes.subarray(0, head), ...chunks, bytes.subarray(head)], { type: "image/png" });
};

export const exportPng = async (stage, overlay, sky, title, address) => {
  const drawn = stage.osd.drawer.canvas;
  const [width, height] = [drawn.width, drawn.height];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(stage.element).backgroundColor;
  pen.fillRect(0, 0, width, height);
  pen.drawImage(drawn, 0, 0);
  const marks = document.createElement("canvas");
  const ratio = width / stage.element.clientWidth;
  overlay.paint(marks, ratio, true);
  pen.drawImage(marks, 0, 0);
  const blob = await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  const chunks = [text("Title", title), text("Source", address)];
  if (sky) {
    const wcs = pictureWcs(stage, sky, width, height, ratio);
    for (const [name, value] of Object.entries(wcs)) chunks.push(text(name, String(value)));
    chunks.push(xmp(avm(wcs, title, width, height)));
  }
  return withChunks(new Uint8Array(await blob.arrayBuffer()), chunks);
};
