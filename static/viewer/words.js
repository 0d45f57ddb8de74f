// How numbers are written under a picture.

const TRUE_MINUS = "−";

const sixty = (value, digits) => {
  // Rounded before it is split, so that no 60.000 is written.
  const unit = 10 ** digits;
  const total = Math.round(value * 3600 * unit);
  const whole = Math.floor(total / (3600 * unit));
  const minutes = Math.floor(total / (60 * unit)) % 60;
  const seconds = ((total % (60 * unit)) / unit).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return [String(whole).padStart(2, "0"), String(minutes).padStart(2, "0"), seconds];
};

export const raWords = (ra, digits = 4) => {
  const [hours, minutes, seconds] = sixty(ra / 15, digits);
  return `${hours === "24" ? "00" : hours}h${minutes}m${seconds}s`;
};

export const decWords = (dec, digits = 3) => {
  const [degrees, minutes, seconds] = sixty(Math.abs(dec), digits);
  return `${dec < 0 ? TRUE_MINUS : "+"}${degrees}d${minutes}m${seconds}s`;
};

export const degreesWords = (ra, dec) => `${ra.toFixed(7)}° ${dec < 0 ? TRUE_MINUS : "+"}${Math.abs(dec).toFixed(7)}°`;

const trimmed = (text) => text.replace(/\.?0+e/, "e");

// six figures, as many as a float32 is worth looking at
export const valueWords = (value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value).replace("-", TRUE_MINUS);
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? trimmed(value.toExponential(5)) : String(Number(value.toPrecision(7)));
  return text.replaceAll("-", TRUE_MINUS);
};

export const angleWords = (arcsec) => {
  if (arcsec >= 3600) return `${Number((arcsec / 3600).toPrecision(3))}°`;
  if (arcsec >= 60) return `${Number((arcsec / 60).toPrecision(3))}′`;
  return `${Number(arcsec.toPrecision(3))}″`;
};

export const announce = (text) => { document.getElementById("announce").textContent = text; };
