// What is asked of the archive about one file. Answers carry the file's version, so browsers keep them.

const looks = ["stretch", "limits", "gamma", "cmap"];

export class Archive {
  constructor({ api, file }) {
    this.api = api;
    this.v = file.v;
  }

  address(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    return `${this.api}/${path}?${new URLSearchParams([...given, ["v", this.v]])}`;
  }

  // The answer, or an error whose message is the archive's own sentence.
  async ask(path, query, options = {}) {
    const answer = await fetch(this.address(path, query), options);
    if (answer.ok) return answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `The archive answered ${answer.status}.`);
  }

  // Addresses of tiles for OpenSeadragon: its last level is our level 0. Full size comes as it is, and so does what has
  // holes or colours that mean numbers; a picture that is reduced anyway may lose a little more.
  tiles(image, look) {
    const query = image.draw === "values" ? Object.fromEntries(looks.map((name) => [name, look[name]])) : {};
    return (level, x, y) => {
      const z = image.levels - 1 - level;
      return this.address(`tile/${z}/${x}/${y}`, { hdu: image.hdu, plane: image.plane, ...query, format: z && image.draw === "values" ? null : "png" });
    };
  }

  flags(image) {
    return (level, x, y) => this.address(`dq/${image.levels - 1 - level}/${x}/${y}`, { hdu: image.hdu, plane: image.plane });
  }
}
