// The little that pages do by themselves; every one of them works without it.
"use strict";

const root = document.documentElement;
const POLL_AGAIN_MS = 5000;
const SAID_MS = 4000;
const SLOW_MS = 400;

// Django's admin remembers its theme here; ours is in a cookie that the server reads.
try { localStorage.setItem("theme", root.dataset.theme || "auto"); } catch { /* storage may be off */ }

// --- polls: none in a hidden tab, and again after an answer that failed
const polls = (element) => element && element.hasAttribute("data-poll");
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && polls(event.detail.elt)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.querySelectorAll("[data-poll]").forEach((element) => htmx.trigger(element, "wake"));
});
const pollLater = (event) => {
  const element = event.detail.elt;
  if (polls(element) && event.detail.xhr?.status !== 404) setTimeout(() => htmx.trigger(element, "wake"), POLL_AGAIN_MS);
};
document.addEventListener("htmx:sendError", pollLater);
document.addEventListener("htmx:responseError", pollLater);
document.addEventListener("htmx:beforeSwap", (event) => {
  if (polls(event.detail.requestConfig?.elt) && event.detail.xhr.status >= 400) event.detail.shouldSwap = false;
});

// --- a request that could not be sent says so
document.addEventListener("htmx:sendError", (event) => {
  if (polls(event.detail.elt)) return;
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.textContent = "The archive did not answer: is it running? Nothing was changed.";
  document.getElementById("toasts").append(toast);
});

// --- slow answers, of htmx or of a whole page: elapsed seconds and Cancel
const slow = document.getElementById("slow");
let clock, start, stopAsking;
const answered = () => { clearInterval(clock); slow.hidden = true; };
const asking = (words, stop) => {
  if (!words) return;
  answered();
  [stopAsking, start] = [stop, performance.now()];
  clock = setInterval(() => {
    if (slow.hidden) { slow.hidden = false; slow.querySelector("[role]").textContent = words; }
    slow.querySelector("[data-elapsed]").textContent = Math.floor((performance.now() - start) / 1000);
  }, SLOW_MS);
};
document.addEventListener("htmx:beforeRequest", ({ detail: { requestConfig: { elt } } }) => asking(elt.dataset.slow, () => htmx.trigger(elt, "htmx:abort")));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.requestConfig.elt.dataset.slow) answered(); });
document.addEventListener("submit", (event) => { if (!event.defaultPrevented) asking(event.submitter?.dataset.slow || event.target.dataset.slow, () => stop()); });
addEventListener("pageshow", answered);

// --- clicks: cancel, copy, dismiss a toast
// Browsers give the clipboard to pages from https or from this computer; elsewhere the old way, by a selection.
const copyText = async (element) => {
  try { await navigator.clipboard.writeText(element.textContent); return "copied"; } catch { getSelection().selectAllChildren(element); }
  return document.execCommand("copy") ? "copied" : "selected, press Ctrl+C";
};
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-cancel]")) [stopAsking, answered].forEach((end) => end());
  if (!(event.ctrlKey || event.metaKey || event.shiftKey)) asking(event.target.closest("a[data-slow]")?.dataset.slow, () => stop());
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(document.getElementById(copy.dataset.copy)).then((words) => {
    copy.dataset.said = document.getElementById("announce").textContent = words;
    setTimeout(() => { delete copy.dataset.said; }, SAID_MS);
  });
  event.target.closest(".toast")?.remove();
});

// --- ticks: one for all on the page, and how many are chosen
const count = (form) => {
  const ticks = [...form.querySelectorAll("[data-tick]")];
  const chosen = ticks.filter((tick) => tick.checked).length;
  form.querySelectorAll("[data-chosen]").forEach((element) => { element.textContent = chosen ? `${chosen} selected` : ""; });
  const all = form.querySelector("[data-tick-all]");
  if (all) { all.checked = chosen > 0 && chosen === ticks.length; all.indeterminate = chosen > 0 && chosen < ticks.length; }
};
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form) return;
  if (event.target.matches("[data-tick-all]")) form.querySelectorAll("[data-tick]").forEach((tick) => { tick.checked = event.target.checked; });
  if (event.target.matches("[data-tick], [data-tick-all]") && !form.dataset.selection) count(form);
});

// --- a preview that does not come is asked for once more, then leaves its word
document.addEventListener("error", (event) => {
  const image = event.target;
  if (!image.matches?.("img.thumb")) return;
  if (!image.dataset.again) { image.dataset.again = "1"; setTimeout(() => { image.src += "&again=1"; }, POLL_AGAIN_MS); return; }
  const word = document.createElement("span");
  word.className = "nothumb";
  word.textContent = image.dataset.kind || "–";
  image.replaceWith(word);
}, true);

// --- an import joined twice has one card
document.addEventListener("htmx:afterSwap", () => document.querySelectorAll("#started > article").forEach((card) => {
  const same = document.querySelectorAll(`#started > article[id="${card.id}"]`);
  if (same.length > 1) same[0].remove();
}));

// --- after a search the reader is taken to the result's heading
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.elt.matches("form.search")) document.querySelector("#results [data-focus]")?.focus();
});
