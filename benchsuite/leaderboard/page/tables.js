"use strict";
// Sorting, filtering, and which of a contest's tables is shown.
(() => {
  const AT_ONCE = 100; // rows that a table shows before it is asked for all: what sorting has to lay out again
  const collator = new Intl.Collator();

  function values(rows, column, isText) {
    const shown = rows.map((row) => row.cells[column].textContent.trim());
    return new Map(rows.map((row, k) => [
      row, isText ? shown[k].toLowerCase() : Number.parseFloat(shown[k].replaceAll(",", ""))]));
  }

  function compare(a, b) {
    return typeof a === "string" ? collator.compare(a, b) : a - b;
  }

  class Sortable {
    constructor(table) {
      this.body = table.tBodies[0];
      this.ranked = [...this.body.rows]; // what breaks ties
      this.order = this.ranked;
      this.texts = this.ranked.map((row) => `${row.cells[1].textContent} ${row.cells[2].textContent}`.toLowerCase());
      this.whole = false;
      this.more = Object.assign(document.createElement("button"), { type: "button", className: "more" });
      this.more.addEventListener("click", () => {
        this.whole = true;
        this.arrange();
      });
      table.after(this.more);
      this.heads = [...table.tHead.rows[0].cells];
      this.heads[0].ariaSort = "ascending";
      this.heads.forEach((head, column) => this.listen(head, column));
    }

    listen(head, column) {
      const isText = head.classList.contains("text");
      let known = null;
      head.querySelector("button")?.addEventListener("click", () => {
        const ascending = head.ariaSort ? head.ariaSort !== "ascending" : isText || head.dataset.better === "lower";
        known ??= values(this.ranked, column, isText);
        this.order = [...this.ranked].sort((a, b) => {
          const [x, y] = [known.get(a), known.get(b)];
          return Number.isNaN(x) - Number.isNaN(y) || (ascending ? compare(x, y) : compare(y, x)); // what is missing last
        });
        for (const other of this.heads) other.ariaSort = null;
        head.ariaSort = ascending ? "ascending" : "descending";
        this.arrange();
        this.body.append(...this.order);
      });
    }

    narrow(words) {
      this.ranked.forEach((row, k) => { row.hidden = !words.every((word) => this.texts[k].includes(word)); });
      this.arrange();
      return this.ranked.filter((row) => !row.hidden).length;
    }

    arrange() {
      const found = this.order.filter((row) => !row.hidden);
      found.forEach((row, k) => row.classList.toggle("later", !this.whole && k >= AT_ONCE));
      this.more.hidden = this.whole || found.length <= AT_ONCE;
      this.more.textContent = `Show all ${found.length} rows`;
    }
  }

  const tables = [...document.querySelectorAll("table:not(.plain)")].map((table) => new Sortable(table));
  const filter = document.getElementById("filter");

  function narrow() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, all] = [0, 0];
    for (const table of tables) {
      const found = table.narrow(words);
      if (table.body.closest("[data-view]").dataset.view !== "overall") continue;
      shown += found;
      all += table.ranked.length;
    }
    document.getElementById("count").value = words.length ? `${shown} of ${all} rows` : `${all} rows`;
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
