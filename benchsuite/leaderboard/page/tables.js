"use strict";
// Sorting, filtering, and which of a contest's tables is shown.
(() => {
  const tables = [...document.querySelectorAll("table:not(.plain)")];
  const number = (text) => Number.parseFloat(text.replaceAll(",", ""));

  function value(cell, isText) {
    const shown = cell.textContent.trim();
    return isText ? shown.toLowerCase() : number(shown);
  }

  function compare(a, b) {
    const unknown = Number.isNaN(a) - Number.isNaN(b);
    return unknown || (typeof a === "string" ? a.localeCompare(b) : a - b);
  }

  for (const table of tables) {
    const body = table.tBodies[0];
    const rows = [...body.rows]; // as ranked: what breaks ties
    const heads = [...table.tHead.rows[0].cells];
    heads[0].ariaSort = "ascending";
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const lowerFirst = head.classList.contains("text") || head.dataset.better === "lower";
      const before = head.ariaSort;
      const ascending = before ? before !== "ascending" : lowerFirst;
      const isText = head.classList.contains("text");
      const keys = new Map(rows.map((row) => [row, value(row.cells[column], isText)]));
      const order = [...rows].sort((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        return Number.isNaN(x) || Number.isNaN(y) || ascending ? compare(x, y) : compare(y, x);
      });
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = ascending ? "ascending" : "descending";
      const sorted = document.createDocumentFragment();
      sorted.append(...order);
      body.append(sorted);
    }));
  }

  const filter = document.getElementById("filter");
  const count = document.getElementById("count");
  const found = new Map(tables.flatMap((table) => [...table.tBodies[0].rows]).map(
    (row) => [row, `${row.cells[1].textContent} ${row.cells[2].textContent}`.toLowerCase()]));

  function narrow() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, all] = [0, 0];
    for (const [row, text] of found) {
      row.hidden = !words.every((word) => text.includes(word));
      if (row.closest("[data-view]").dataset.view === "overall") {
        all += 1;
        shown += !row.hidden;
      }
    }
    count.value = words.length ? `${shown} of ${all} rows` : `${all} rows`;
  }

  filter.addEventListener("input", narrow);
  filter.form.addEventListener("submit", (event) => event.preventDefault());
  narrow();

  for (const choice of document.querySelectorAll("input[name=view]")) {
    const show = () => {
      for (const part of document.querySelectorAll("[data-view]")) part.hidden = part.dataset.view !== choice.value;
    };
    choice.addEventListener("change", show);
    if (choice.checked) show(); // a browser may remember the choice
  }
})();
