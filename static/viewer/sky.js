// Pixels to sky and back: gnomonic projection (TAN) with SIP, as the FITS WCS papers I and II and the SIP convention say.
// Pixels are array positions: the first pixel's centre is 0, 0. Angles are degrees.

const DEG = Math.PI / 180;
const ROUNDS = 30;
const CLOSE_PX = 1e-8;

const polynomial = (terms, u, v) => {
  let sum = 0;
  for (let p = terms.length - 1; p >= 0; p -= 1) {
    let row = 0;
    for (let q = terms[p].length - 1; q >= 0; q -= 1) row = row * v + terms[p][q];
    sum = sum * u + row;
  }
  return sum;
};

export class Sky {
  constructor({ crpix, crval, cd, lonpole, sip }) {
    this.crpix = crpix;
    this.cd = cd;
    this.sip = sip || null;
    this.ra0 = crval[0] * DEG;
    this.dec0 = crval[1] * DEG;
    this.pole = (lonpole ?? 180) * DEG;
    const [[a, b], [c, d]] = cd;
    const determinant = a * d - b * c;
    this.inverse = [[d / determinant, -b / determinant], [-c / determinant, a / determinant]];
  }

  // [right ascension 0 to 360, declination] of a pixel
  toSky(x, y) {
    let u = x + 1 - this.crpix[0];
    let v = y + 1 - this.crpix[1];
    if (this.sip) [u, v] = [u + polynomial(this.sip.a, u, v), v + polynomial(this.sip.b, u, v)];
    const along = this.cd[0][0] * u + this.cd[0][1] * v;
    const across = this.cd[1][0] * u + this.cd[1][1] * v;
    const phi = Math.atan2(along, -across) - this.pole;
    const theta = Math.atan2(1 / DEG, Math.hypot(along, across));
    const [sinT, cosT, sin0, cos0] = [Math.sin(theta), Math.cos(theta), Math.sin(this.dec0), Math.cos(this.dec0)];
    const east = -cosT * Math.sin(phi);
    const north = sinT * cos0 - cosT * sin0 * Math.cos(phi);
    const up = sinT * sin0 + cosT * cos0 * Math.cos(phi);
    const ra = (this.ra0 + Math.atan2(east, north)) / DEG;
    return [((ra % 360) + 360) % 360, Math.atan2(up, Math.hypot(east, north)) / DEG];
  }

  // the pixel of a place, or null where it is behind the tangent plane
  toPixel(ra, dec) {
    const turn = ra * DEG - this.ra0;
    const [sinD, cosD, sin0, cos0] = [Math.sin(dec * DEG), Math.cos(dec * DEG), Math.sin(this.dec0), Math.cos(this.dec0)];
    const sinT = sinD * sin0 + cosD * cos0 * Math.cos(turn);
    if (sinT < 0.05) return null;
    const side = -cosD * Math.sin(turn);
    const front = sinD * cos0 - cosD * sin0 * Math.cos(turn);
    const phi = Math.atan2(side, front) + this.pole;
    const radius = Math.hypot(side, front) / sinT / DEG;
    const along = radius * Math.sin(phi);
    const across = -radius * Math.cos(phi);
    const u0 = this.inverse[0][0] * along + this.inverse[0][1] * across;
    const v0 = this.inverse[1][0] * along + this.inverse[1][1] * across;
    const [u, v] = this.sip ? this.undistorted(u0, v0) : [u0, v0];
    return [u + this.crpix[0] - 1, v + this.crpix[1] - 1];
  }

  // SIP has no inverse of its own: what it adds is taken away until nothing changes.
  undistorted(u0, v0) {
    let [u, v] = [u0, v0];
    for (let round = 0; round < ROUNDS; round += 1) {
      const next = [u0 - polynomial(this.sip.a, u, v), v0 - polynomial(this.sip.b, u, v)];
      const moved = Math.hypot(next[0] - u, next[1] - v);
      [u, v] = next;
      if (!(moved > CLOSE_PX)) break;
    }
    return [u, v];
  }

  // how pixels move with one degree to the east and to the north at a pixel: two vectors [dx, dy]
  axesAt(x, y) {
    const [ra, dec] = this.toSky(x, y);
    const step = 1e-4;
    const north = this.toPixel(ra, Math.min(dec + step, 89.99999));
    const east = this.toPixel(ra + step / Math.max(Math.cos(dec * DEG), 1e-6), dec);
    if (!north || !east) return null;
    return { east: [(east[0] - x) / step, (east[1] - y) / step], north: [(north[0] - x) / step, (north[1] - y) / step] };
  }

  // how far north is turned from the image's y axis, counter-clockwise, degrees
  northAt(x, y) {
    const axes = this.axesAt(x, y);
    return axes ? Math.atan2(-axes.north[0], axes.north[1]) / DEG : 0;
  }

  // arcseconds of one pixel at a pixel
  scaleAt(x, y) {
    const axes = this.axesAt(x, y);
    return axes ? 3600 / Math.sqrt(Math.abs(axes.east[0] * axes.north[1] - axes.east[1] * axes.north[0])) : null;
  }
}
