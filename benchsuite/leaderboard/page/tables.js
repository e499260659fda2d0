"use strict";
// Sorting, filtering, which of a contest's tables is shown, and which figure by group.
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
      this.known = []; // each column's values, once it was sorted
      this.heads[0].ariaSort = "ascending";
      this.heads.forEach((head, column) => this.listen(head, column));
    }

    rank() { // as it was at first, whatever the numbers are now
      this.known = [];
      this.sorted(this.heads[0], "ascending", this.ranked);
    }

    sorted(head, order, rows) {
      for (const other of this.heads) other.ariaSort = null;
      head.ariaSort = order;
      this.order = rows;
      this.arrange();
      this.body.append(...rows);
    }

    listen(head, column) {
      const isText = head.classList.contains("text");
      head.querySelector("button")?.addEventListener("click", () => {
        const ascending = head.ariaSort ? head.ariaSort !== "ascending" : isText || head.dataset.better === "lower";
        const known = this.known[column] ??= values(this.ranked, column, isText);
        this.sorted(head, ascending ? "ascending" : "descending", [...this.ranked].sort((a, b) => {
          const [x, y] = [known.get(a), known.get(b)];
          return Number.isNaN(x) - Number.isNaN(y) || (ascending ? compare(x, y) : compare(y, x)); // what is missing last
        }));
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

  const NAMES = 3; // columns before the numbers: rank, method, refiner
  const { shades, fadesAt, others } = JSON.parse(document.getElementById("figures").textContent);

  const numbers = (row) => [...row.cells].slice(NAMES);

  function fill(table, { name, unit, better, rows }) {
    table.querySelector(".figure").textContent = name;
    table.querySelector(".unit").textContent = unit;
    for (const head of numbers(table.tHead.rows[0])) head.dataset.better = better;
    const whole = table.sortable.ranked.map((row) => !("undefined" in row.dataset)); // others are never best
    rows[0]?.forEach((_, column) => {
      const known = rows.map((row) => row[column]).filter((value, place) => whole[place] && Number.isFinite(value));
      const alike = known.length > 1 && known.every((value) => value === known[0]);
      const top = alike || !known.length ? null : Math[better === "lower" ? "min" : "max"](...known);
      rows.forEach((row, place) => {
        const [value, cell] = [row[column], numbers(table.sortable.ranked[place])[column]];
        const missing = !Number.isFinite(value);
        const away = top && !missing ? Math.abs(value - top) / (Math.abs(top) * fadesAt) : 1;
        const shown = missing ? "–" : value.toFixed(1);
        cell.replaceChildren(value === top && !missing && whole[place] ? Object.assign(document.createElement("b"), { textContent: shown }) : shown);
        cell.className = column ? `number t${Math.round(shades * Math.max(0, 1 - away))}` : "number";
      });
    });
    table.sortable.rank();
  }

  for (const choice of document.querySelectorAll("[data-figures]")) {
    const table = choice.closest("[data-view]").querySelector("table");
    const first = { // it stands there already
      name: table.querySelector(".figure").textContent,
      unit: table.querySelector(".unit").textContent,
      better: table.tHead.rows[0].cells[NAMES].dataset.better,
    };
    choice.addEventListener("change", () => {
      first.rows ??= table.sortable.ranked.map((row) => numbers(row).map((cell) => Number.parseFloat(cell.textContent)));
      fill(table, [first, ...others[choice.dataset.figures]][choice.selectedIndex]);
    });
  }

  const tables = [...document.querySelectorAll("table:not(.plain)")].map((table) => (table.sortable = new Sortable(table)));
  const filter = document.getElementById("filter");

  const nothing = document.getElementById("nothing");
  const rowOf = new Map(tables.flatMap((table) => table.ranked.map((row) => [row.querySelector(".open").dataset.key, row])));
  const priced = [...document.querySelectorAll("figure [data-row]")];
  const printed = [...document.querySelectorAll("#reported tbody tr")];

  function hide(section, hidden) {
    section.hidden = hidden;
    document.querySelector(`nav a[href="#${section.id}"]`)?.classList.toggle("none", hidden);
  }

  function hideEmpty(parts, rows) { // of whose rows none is left
    for (const part of document.querySelectorAll(parts)) {
      part.hidden = [...part.querySelectorAll(rows)].every((row) => row.classList.contains("none"));
    }
  }

  function narrow() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, all] = [0, 0];
    for (const table of tables) {
      const found = table.narrow(words);
      if (table.body.closest("[data-view]").dataset.view !== "overall") continue;
      hide(table.body.closest("section"), words.length > 0 && !found);
      shown += found;
      all += table.ranked.length;
    }
    for (const each of priced) each.classList.toggle("none", rowOf.get(each.dataset.row).hidden);
    for (const row of printed) {
      const name = row.cells[0].textContent.toLowerCase();
      row.classList.toggle("none", !words.every((word) => name.includes(word)));
    }
    hideEmpty("figure", "[data-row]");
    hideEmpty("#reported details", "tbody tr");
    const reported = document.getElementById("reported");
    if (reported) hide(reported, printed.every((row) => row.classList.contains("none")));
    nothing.hidden = [...document.querySelectorAll("section")].some((section) => !section.hidden);
    document.getElementById("count").value = words.length ? `${shown} of ${all} rows` : `${all} rows`;
  }

  filter.addEventListener("input", () => {
    narrow();
    const { offsetTop } = filter.closest("main"); // what is found begins there
    if (window.scrollY > offsetTop) window.scrollTo({ top: offsetTop, behavior: "instant" });
  });
  filter.form.addEventListener("submit", (event) => event.preventDefault());
  narrow();

  for (const choice of document.querySelectorAll("input[name=view]")) {
    const show = () => {
      for (const section of document.querySelectorAll("section")) {
        const parts = [...section.querySelectorAll("[data-view]")];
        const wanted = parts.find((part) => part.dataset.view === choice.value) ?? parts[0]; // not all have such groups
        for (const part of parts) part.hidden = part !== wanted;
      }
    };
    choice.addEventListener("change", show);
    if (choice.checked) show(); // a browser may remember the choice
  }

  function mark({ classList, scrollLeft, clientWidth, scrollWidth }) { // on which side more of it lies
    classList.toggle("cut-left", scrollLeft > 0);
    classList.toggle("cut-right", scrollLeft + clientWidth < scrollWidth - 1);
  }

  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target.closest(".scroll, fieldset"))));
  for (const wide of document.querySelectorAll(".scroll, fieldset")) {
    wide.addEventListener("scroll", () => mark(wide), { passive: true });
    for (const part of [wide, ...wide.children]) sizes.observe(part);
  }

  const tools = document.querySelector(".tools"); // it covers what an anchor or the focus is brought to
  new ResizeObserver(() => document.documentElement.style.setProperty("--tools", `${tools.offsetHeight}px`)).observe(tools);
})();
