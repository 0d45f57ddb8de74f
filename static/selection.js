// A selection in the library that lasts while its pages are turned. Without scripts a selection is of one page.
"use strict";

const kept = (view) => { try { return new Set(JSON.parse(sessionStorage.getItem(`selection ${view}`) || "[]")); } catch { return new Set(); } };
const keep = (view, chosen) => { try { sessionStorage.setItem(`selection ${view}`, JSON.stringify([...chosen])); } catch { /* storage may be off */ } };

const selection = (form) => {
  const view = form.dataset.selection;
  const ticks = [...form.querySelectorAll("[data-tick]")];
  const here = new Set(ticks.map((tick) => tick.value));
  let chosen = kept(view);
  ticks.forEach((tick) => { tick.checked = chosen.has(tick.value); });
  const show = () => {
    const elsewhere = [...chosen].filter((value) => !here.has(value)).length;
    form.querySelector("[data-chosen]").textContent = chosen.size
      ? `${chosen.size} selected${elsewhere ? `, ${elsewhere} of them on other pages` : ""}` : "";
    form.querySelector("[data-clear-selection]").hidden = !chosen.size;
  };
  form.addEventListener("change", () => {
    ticks.forEach((tick) => (tick.checked ? chosen.add(tick.value) : chosen.delete(tick.value)));
    keep(view, chosen);
    show();
  });
  form.addEventListener("submit", (event) => {
    form.querySelectorAll("[data-elsewhere]").forEach((field) => field.remove());
    for (const value of chosen) {
      if (here.has(value)) continue;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: ticks[0].name, value });
      field.dataset.elsewhere = "";
      form.append(field);
    }
    if (event.submitter?.value !== "list") keep(view, new Set());
  });
  form.querySelector("[data-clear-selection]").addEventListener("click", () => {
    chosen = new Set();
    keep(view, chosen);
    ticks.forEach((tick) => { tick.checked = false; });
    show();
  });
  show();
};

const begin = () => document.querySelectorAll("form[data-selection]:not([data-begun])").forEach((form) => {
  form.dataset.begun = "";
  selection(form);
});
begin();
document.addEventListener("htmx:afterSettle", begin);
