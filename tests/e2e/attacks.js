// What a page of another site may try; each returns, or promises, a word on how it went. Loaded by test_attacks.py.
"use strict";

const settled = async (answer) => {
  try {
    const response = await answer;
    return `${response.type} ${response.status}`;
  } catch {
    return "failed";
  }
};
const loaded = (element, parent) => new Promise((done) => {
  element.onload = () => done("loaded");
  element.onerror = () => done("failed");
  parent.append(element);
});
const posted = (action, fields, how = {}) => {
  const form = Object.assign(document.createElement("form"), {method: "POST", action, ...how});
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), {name, value}));
  }
  document.body.append(form);
  form.submit();
  return "sent";
};
const blind = (target, path, more) => settled(fetch(target + path, {method: "POST", mode: "no-cors", ...more}));

window.attacks = {
  // starting work
  text: (target, body) => blind(target, "/api/mast/import", {headers: {"Content-Type": "text/plain"}, body}),
  blob: (target, body) => blind(target, "/api/mast/import", {body: new Blob([body])}),
  bare: (target) => blind(target, "/api/mast/refresh-metadata-all", {}),
  beacon: (target, body) => String(navigator.sendBeacon(`${target}/api/mast/import`, body)),
  form: (target, body) => posted(`${target}/api/mast/import`, {[`${body.slice(0, -1)}, "tags": ["`]: '"]}'},
    {enctype: "text/plain"}),
  button: (target, path) => {
    document.body.append(Object.assign(document.createElement("iframe"), {name: path}));
    return posted(target + path, {}, {target: path});
  },
  // what the browser asks leave for
  json: (target, body) => settled(fetch(`${target}/api/mast/import`,
    {method: "POST", headers: {"Content-Type": "application/json"}, body})),
  token: (target) => settled(fetch(`${target}/api/files`, {headers: {Authorization: "Bearer x"}})),
  remove: (target) => settled(fetch(`${target}/api/files`, {method: "DELETE"})),
  // reading
  read: (target) => settled(fetch(`${target}/api/files`)),
  cost: (target) => settled(fetch(`${target}/api/mast/imports`, {mode: "no-cors"})),
  image: (target) => loaded(Object.assign(new Image(), {src: `${target}/api/files/1/preview`}), document.body),
  script: (target) => loaded(Object.assign(document.createElement("script"), {src: `${target}/api/observations`}),
    document.head),
  frame: async (target) => {
    const frame = Object.assign(document.createElement("iframe"), {src: `${target}/imports/`});
    await loaded(frame, document.body);
    try {
      return frame.contentDocument.title;
    } catch {
      return "failed";
    }
  },
};
