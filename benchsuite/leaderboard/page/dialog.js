"use strict";
// What opens when a method is picked: its worst frames, how it is measured again, where it comes from.
(() => {
  const { rows, skeletons } = JSON.parse(document.getElementById("details").textContent);
  const dialog = document.getElementById("row");
  const part = (name) => dialog.querySelector(name);
  const canvas = part("canvas");
  const viewer = poseViewer(canvas);

  function made(tag, text, more = {}) {
    return Object.assign(document.createElement(tag), { textContent: text }, more);
  }

  function copyable(command) {
    const button = made("button", "copy", { type: "button" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        button.textContent = "copied";
      } catch {
        button.textContent = "select it above"; // a page opened from a file may not be allowed to
      }
    });
    return [made("pre", command), button];
  }

  function choose(worst, place) {
    const [clip, frame, action, value, predicted, truth] = worst.samples[place];
    viewer.show(skeletons[worst.skeleton], predicted, truth);
    canvas.ariaLabel = `Frame ${frame} of ${clip}, ${action}: ${worst.figure} is ${value}. Arrow keys turn it.`;
    [...part(".samples").children].forEach((button, k) => { button.ariaPressed = k === place; });
  }

  function showWorst(worst) {
    part(".worst").hidden = !worst;
    part(".unseen").hidden = !!worst;
    if (!worst) return;
    part(".samples").replaceChildren(...worst.samples.map(([clip, frame, action, value], place) => {
      const button = made("button", "", { type: "button", title: `${clip}, frame ${frame}` });
      button.append(made("b", action || clip), value.toFixed(1));
      button.addEventListener("click", () => choose(worst, place));
      return button;
    }));
    viewer.turnTo();
    if (worst.samples.length) choose(worst, 0);
  }

  const text = (node) => node?.textContent.trim() ?? "";
  const heads = (line) => [...line.closest("table").tHead.rows[0].cells].map((head) => text(head).replace(/\s*[↓↑]$/, ""));

  function showNumbers(lines) {
    const names = heads(lines[0]);
    part(".numbers").textContent = [...lines[0].cells]
      .flatMap((cell, k) => (cell.matches(".number, .bar") && text(cell) ? [`${names[k]} ${text(cell)}`] : []))
      .slice(0, 4).join(" · ").replace("95 % interval 95 %", "95 %");
    part(".groups").replaceChildren(...lines.slice(1).flatMap((line) => {
      const [list, groups] = [made("dl", ""), heads(line)];
      const figure = text(line.closest("table").querySelector(".figure"));
      const values = [...line.cells].map((cell) => Number.parseFloat(text(cell)));
      const most = Math.max(...values.slice(4).filter(Number.isFinite));
      for (let k = 4; k < values.length; k += 1) {
        const [row, value] = [made("div", ""), made("dd", "")];
        value.append(made("meter", "", { max: most, value: values[k] || 0, ariaHidden: true }));
        row.append(made("dt", groups[k]), value, made("dd", text(line.cells[k])));
        list.append(row);
      }
      return [made("h3", `${figure} by ${line.closest("[data-view]").dataset.view}`), list];
    }));
  }

  function open(button) {
    const found = rows[button.dataset.key];
    const lines = [...document.querySelectorAll(`[data-key=${button.dataset.key}]`)].map((each) => each.closest("tr"));
    const [recipe, refiner] = [text(lines[0].querySelector(".recipe")), text(lines[0].cells[2])];
    const about = [recipe, refiner === "–" ? "" : `with ${refiner}`].filter(Boolean).join(", ");
    part("#row-title").replaceChildren(button.textContent, made("small", about));
    showNumbers(lines);
    part(".failed").replaceChildren(...found.failed.map((why) => made("p", why)));
    part(".unshipped").hidden = !found.commands.some((command) => command.includes("weights="));
    part(".commands").replaceChildren(
      ...(found.commands.length ? found.commands.flatMap(copyable) : [made("p", "The record does not say.")]));
    part(".origin").replaceChildren(...Object.entries(found.origin).map(([name, value]) => {
      const pair = made("div", "");
      pair.append(made("dt", name), made("dd", value));
      return pair;
    }));
    dialog.showModal();
    showWorst(found.worst);
  }

  for (const button of document.querySelectorAll(".turns button")) {
    button.addEventListener("click", () => viewer.turnTo(Number(button.dataset.yaw), Number(button.dataset.pitch)));
  }
  for (const button of document.querySelectorAll(".open")) button.addEventListener("click", () => open(button));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
})();
