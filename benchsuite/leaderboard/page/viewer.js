"use strict";
// Two poses in one picture, prediction over truth, that turns: by mouse or touch, by arrow keys, by buttons.
// Camera axes, mm: X right, Y down, Z away from the viewer.
function poseViewer(canvas) {
  const START = { yaw: 0.6, pitch: 0.14 };
  const DISTANCE_MM = 4500;
  const FLOOR_MM = 250;
  const context = canvas.getContext("2d");
  let { yaw, pitch } = START;
  let pose = null;
  let drawing = 0;

  const colour = (name) => getComputedStyle(canvas).getPropertyValue(`--${name}`).trim();
  const known = (point) => point.every(Number.isFinite);

  function joints(text) {
    const numbers = text.split(" ").map(Number); // "nan" becomes NaN
    return Array.from({ length: numbers.length / 3 }, (_, k) => numbers.slice(3 * k, 3 * k + 3));
  }

  function show(skeleton, predicted, truth) {
    const [made, real] = [joints(predicted), joints(truth)];
    const all = [...made, ...real].filter(known);
    const range = [0, 1, 2].map((axis) => {
      const values = all.map((point) => point[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    const center = range.map(([low, high]) => (low + high) / 2);
    const radius = Math.max(400, ...all.map((point) => Math.hypot(...point.map((v, axis) => v - center[axis]))));
    pose = { skeleton, made, real, center, radius, floor: range[1][1] + 20 };
    redraw();
  }

  function project(point) {
    const [x, y, z] = point.map((v, axis) => v - pose.center[axis]);
    const across = x * Math.cos(yaw) + z * Math.sin(yaw);
    const away = z * Math.cos(yaw) - x * Math.sin(yaw);
    const down = y * Math.cos(pitch) - away * Math.sin(pitch);
    const depth = y * Math.sin(pitch) + away * Math.cos(pitch);
    const size = Math.min(canvas.width, canvas.height);
    const scale = (0.44 * size * DISTANCE_MM) / ((DISTANCE_MM + depth) * pose.radius);
    return { x: canvas.width / 2 + across * scale, y: canvas.height / 2 + down * scale, depth };
  }

  function line(from, to, stroke, width, dash = []) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  function floor(unit) {
    const reach = Math.ceil(pose.radius / FLOOR_MM) * FLOOR_MM;
    const at = (x, z) => project([pose.center[0] + x, pose.floor, pose.center[2] + z]);
    for (let step = -reach; step <= reach; step += FLOOR_MM) {
      line(at(step, -reach), at(step, reach), colour("line"), unit);
      line(at(-reach, step), at(reach, step), colour("line"), unit);
    }
  }

  function bones(points, paint, width) {
    const seen = points.map(project);
    return pose.skeleton.parents.flatMap((parent, joint) => {
      if (parent < 0 || !known(points[parent]) || !known(points[joint])) return [];
      const depth = (seen[parent].depth + seen[joint].depth) / 2;
      return [{ depth, draw: () => line(seen[parent], seen[joint], paint(joint), width) }];
    });
  }

  function side(joint) {
    const name = pose.skeleton.joints[joint];
    return colour(name.startsWith("r_") ? "right" : name.startsWith("l_") ? "left" : "ink");
  }

  function draw() {
    drawing = 0;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((v) => Math.round(v * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.clearRect(0, 0, width, height);
    if (!pose || !width) return;
    context.lineCap = "round";
    const unit = Math.min(width, height) / 440;
    floor(unit);
    const parts = [
      ...bones(pose.real, () => colour("true"), 9 * unit),
      ...bones(pose.made, side, 3.5 * unit),
    ];
    pose.made.forEach((point, joint) => {
      if (!known(point) || !known(pose.real[joint])) return;
      const [from, to] = [project(point), project(pose.real[joint])];
      parts.push({ depth: (from.depth + to.depth) / 2, draw: () => line(from, to, colour("off"), 1.4 * unit, [4 * unit, 4 * unit]) });
    });
    parts.sort((a, b) => b.depth - a.depth); // what is nearer is drawn over what is farther
    for (const part of parts) part.draw();
  }

  function redraw() {
    drawing ||= requestAnimationFrame(draw);
  }

  function turn(byYaw, byPitch) {
    yaw += byYaw;
    pitch = Math.max(-0.3, Math.min(1.5, pitch + byPitch));
    redraw();
  }

  function turnTo(toYaw = START.yaw, toPitch = START.pitch) {
    [yaw, pitch] = [toYaw, toPitch];
    redraw();
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = event;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held?.pointerId !== event.pointerId) return;
    turn((event.clientX - held.clientX) * -0.01, (event.clientY - held.clientY) * 0.01);
    held = event;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });

  const KEYS = { ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, -0.08], ArrowDown: [0, 0.08] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Home") turnTo();
    else if (KEYS[event.key]) turn(...KEYS[event.key]);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(redraw).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return { show, turnTo };
}
