// Plays the steps in TOLD: nodes, edges, numbers, and one moment a step, whose sentences have holes for numbers.
// RULES are the table's rows as JavaScript (or null), TESTS say when a sentence has a word more. Nothing is loaded.
(() => {
  "use strict";
  const { nodes, edges, texts } = TOLD;
  // -2 stands for the first text, -3 for the second …
  const unpacked = (x) => (Array.isArray(x) ? x.map(unpacked) : x <= -2 ? texts[-2 - x] : x);
  const moments = TOLD.moments.map(unpacked);
  const root = nodes.length - 1;
  const last = moments.length - 1;
  const isLeaf = (k) => TOLD.leaves.includes(k);
  const $ = (selector) => document.querySelector(selector);
  const picture = $(".view > svg");
  const atFirst = TOLD.numbers.grad ? TOLD.numbers : passedBack(TOLD.numbers);
  let numbers = atFirst; // by kind: data and grad of each node; slope, product, before, after of each edge
  let step = 0;
  let timer = null;

  // ---- numbers as Python's ".4g" writes them

  function format(x) {
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    if (x === 0) return Object.is(x, -0) ? "-0" : "0";
    const [, sign, digits, power] = rounded(x).match(/^(-?)([\d.]+)e([-+]\d+)$/);
    const exponent = Number(power);
    const whole = digits.replace(".", ""); // four digits
    if (exponent < -4 || exponent >= 4) {
      const two = String(Math.abs(exponent)).padStart(2, "0");
      return `${sign}${trimmed(`${whole[0]}.${whole.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${two}`;
    }
    if (exponent < 0) return `${sign}${trimmed(`0.${"0".repeat(-exponent - 1)}${whole}`)}`;
    return `${sign}${trimmed(`${whole.slice(0, exponent + 1)}.${whole.slice(exponent + 1)}`)}`;
  }

  const trimmed = (text) => text.replace(/\.?0*$/, ""); // each text has a point

  // x in four digits. Exactly half way, Python goes to the even digit and JavaScript away from zero.
  function rounded(x) {
    const [digits, power] = x.toExponential(40).split("e");
    const isHalf = /^-?\d\.\d{3}50*$/.test(digits);
    const isEven = "02468".includes(digits.at(digits.indexOf(".") + 3));
    return isHalf && isEven ? `${digits.slice(0, digits.indexOf(".") + 4)}e${power}` : x.toExponential(3);
  }

  const shown = (x) => (typeof x === "string" ? x : format(x + 0)); // + 0: no sign for zero

  // ---- forward and backward, as the engine does it

  function recompute(leafData) {
    const data = [...leafData];
    const inputsOf = (k) => nodes[k].of.map((x) => (Array.isArray(x) ? data[x[0]] : x));
    nodes.forEach((node, k) => { if (node.row) data[k] = RULES[node.row].forward(...inputsOf(k)); });
    const slope = edges.map(([k, position]) => RULES[nodes[k].row].slopes[position](data[k], ...inputsOf(k)));
    return passedBack({ data, slope });
  }

  // The chain rule: what each edge passes, and what its input's gradient is before and after.
  function passedBack({ data, slope }) {
    const grad = nodes.map(() => 0);
    grad[root] = 1;
    const [product, before, after] = [[], [], []];
    edges.forEach(([k, , input], e) => {
      product[e] = slope[e] * grad[k];
      before[e] = grad[input];
      after[e] = grad[input] = before[e] + product[e];
    });
    return { data, slope, grad, product, before, after };
  }

  // ---- sentences: Walk.filled in stepper.py does the same

  function fill(parts) {
    return parts.flatMap((part) => {
      if (typeof part === "string") return [part];
      const [kind, which, e, inner] = part;
      if (kind === "if") return TESTS[which](numbers.grad[edges[e][0]], numbers.slope[e]) ? fill(inner) : [];
      const text = shown(kind === "base" ? numbers.data[which] : numbers[kind][which]);
      return [{ number: kind === "base" && text.startsWith("-") ? `(${text})` : text }];
    });
  }

  const asText = (parts) => fill(parts).map((part) => part.number ?? part).join("");
  const ended = (text) => (text && !text.endsWith(".") ? `${text}.` : text);
  const sentence = (moment) => [moment[1], moment[2], moment[3]].map((p) => ended(asText(p))).filter(Boolean).join(" ");

  function write(element, parts) {
    element.replaceChildren(...fill(parts).map((part) => {
      if (part.number === undefined) return document.createTextNode(part);
      const bold = document.createElement("b");
      bold.textContent = part.number;
      return bold;
    }));
    element.hidden = parts.length === 0;
  }

  // ---- what stands where at which step

  const dataFrom = nodes.map(() => 0); // the step at which a node's number is there
  const edgeAt = edges.map(() => last); // the step at which an edge passes its gradient
  const seedAt = moments.findIndex(([phase]) => phase === "seed");
  moments.forEach(([phase, , , , node, passing], s) => {
    if (phase === "forward" && node >= 0) dataFrom[node] = s;
    for (const e of passing) edgeAt[e] = s;
  });
  const into = nodes.map(() => []); // the edges that bring a node its gradient, in the order of arrival
  edges.forEach(([, , input], e) => into[input].push(e));
  const computedBy = nodes.map((node, k) => moments.findIndex((m) => m[0] === "forward" && m[4] === k));

  function gradient(k, s) {
    const arrived = into[k].filter((e) => edgeAt[e] <= s);
    if (s < seedAt) return null;
    if (s === last) return numbers.grad[k];
    return arrived.length ? numbers.after[arrived.at(-1)] : k === root ? numbers.grad[root] : 0;
  }

  // ---- the picture's parts

  const SVG = "http://www.w3.org/2000/svg";
  const made = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };

  const canvas = picture.querySelector(".graph");
  const shift = canvas.getAttribute("transform").match(/translate\(([-\d.]+)[ ,]([-\d.]+)\)/).slice(1).map(Number);
  const boxes = nodes.map((node, k) => {
    const group = document.getElementById(`v${k}`);
    const rows = [...group.querySelectorAll("text")];
    const [data, grad] = rows.slice(-2);
    data.classList.add("data");
    grad.classList.add("grad");
    const points = group.querySelector("polygon").getAttribute("points").trim().split(" ");
    const corners = points.map((point) => point.split(",").map(Number));
    const [xs, ys] = [0, 1].map((i) => corners.map((corner) => corner[i] + shift[i]));
    const area = { x0: Math.min(...xs), x1: Math.max(...xs), y0: Math.min(...ys), y1: Math.max(...ys) };
    group.setAttribute("role", "img");
    group.setAttribute("tabindex", "0");
    return { group, data, grad, area };
  });
  const arrows = new Map(edges.map(([k, position], e) => [document.getElementById(`e${k}_${position}`), e]));
  const allArrows = [...picture.querySelectorAll(".edge")];
  const headOf = (arrow) => Number(arrow.id.slice(1).split("_")[0]);

  const marker = made("marker", { id: "backwards", viewBox: "0 0 10 10", refX: "9", refY: "5", markerWidth: "11",
    markerHeight: "11", markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
  marker.append(made("path", { d: "M0 0L10 5L0 10z" }));
  picture.prepend(marker);
  picture.setAttribute("role", "group");
  picture.setAttribute("aria-label", `the graph of ${nodes[root].name}: ${nodes.length} boxes`);

  // A plus at the corner of each box in which gradients add up.
  boxes.forEach(({ group, area }, k) => {
    if (into[k].length < 2) return;
    const badge = made("g", { class: "badge", "aria-hidden": "true" });
    const [x, y] = [area.x1 - shift[0] - 2, area.y0 - shift[1] + 2];
    const plus = made("text", { x, y: y + 4.4, "text-anchor": "middle" });
    plus.textContent = "+";
    badge.append(made("circle", { cx: x, cy: y, r: 8 }), plus);
    group.append(badge);
  });

  // ---- one step

  function show(s, moving = false) {
    step = Math.max(0, Math.min(last, s));
    const moment = moments[step];
    const [phase, main, why, sum, node, passing, module] = moment;
    const receivers = new Set(phase === "seed" ? [root] : passing.map((e) => edges[e][2]));
    picture.classList.remove("moving");
    boxes.forEach((box, k) => showBox(box, k, { phase, node, receivers }));
    allArrows.forEach((arrow) => showArrow(arrow, phase, node, passing));
    if (moving) {
      void picture.getBoundingClientRect(); // so that the same animation starts again
      picture.classList.add("moving");
    }
    const stage = phase === "done" ? "backward" : phase;
    document.querySelectorAll(".phases li").forEach((li) => li.classList.toggle("now", li.dataset.phase === stage));
    $(".module").textContent = module;
    $(".count").textContent = `step ${step + 1} of ${moments.length}`;
    $(".sentence").className = `sentence ${stage}`;
    write($(".main"), main);
    write($(".why"), why);
    write($(".sum"), sum);
    const box = $(".sentence"); // it only grows, so that nothing below jumps up and down
    box.style.minHeight = `${Math.max(parseFloat(box.style.minHeight) || 0, box.offsetHeight)}px`;
    slider.value = step;
    slider.setAttribute("aria-valuetext", `${stage}: ${sentence(moment)}`);
    follow(node, receivers);
  }

  function showBox({ group, data, grad }, k, now) {
    const node = nodes[k];
    const known = step >= dataFrom[k];
    const g = gradient(k, step);
    const dataText = known ? shown(numbers.data[k]) : "?";
    const gradText = !node.wants ? "no grad needed" : g === null ? "" : `grad ${shown(g)}`;
    data.textContent = `data ${dataText}`;
    grad.textContent = gradText;
    const arrivals = into[k].filter((e) => edgeAt[e] <= step).length;
    const receives = now.receivers.has(k) && now.phase !== "forward";
    const states = {
      waiting: !known,
      "computed-now": now.phase === "forward" && (now.node === k || (now.node < 0 && isLeaf(k))),
      "gives-now": now.phase === "backward" && now.node === k,
      "receives-now": receives,
      "adds-up": receives && arrivals > 1,
    };
    Object.entries(states).forEach(([name, on]) => group.classList.toggle(name, on));
    group.querySelector(".badge")?.toggleAttribute("hidden", arrivals < 2);
    const told = [node.name, node.kind, known ? `data ${dataText}` : "data not known yet", gradText].filter(Boolean);
    group.setAttribute("aria-label", told.join(", "));
  }

  function showArrow(arrow, phase, node, passing) {
    const e = arrows.get(arrow); // none where the input needs no gradient
    const head = headOf(arrow);
    const states = {
      waiting: step < dataFrom[head],
      "used-now": phase === "forward" && head === node,
      "passes-now": e !== undefined && passing.includes(e),
      reached: e !== undefined && step >= edgeAt[e],
    };
    Object.entries(states).forEach(([name, on]) => arrow.classList.toggle(name, on));
    const label = arrow.querySelector("text");
    if (label) label.textContent = e === undefined ? "" : shown(numbers.slope[e]);
  }

  // ---- the view: the whole graph where its letters can be read, else close up, following what happens

  const [graphWidth, graphHeight] = picture.getAttribute("viewBox").split(" ").slice(2).map(Number);
  const READABLE = 0.8; // pixels for one of the graph's points: letters of 9 pixels
  const HIGHEST = 460;
  const view = { x: 0, y: 0, scale: 1, height: 0, whole: true, chosen: false };
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");
  let moving = 0;

  const fitting = () => Math.min(picture.clientWidth / graphWidth, HIGHEST / graphHeight, 1.4);
  const size = () => [picture.clientWidth / view.scale, view.height / view.scale];

  function arrange() {
    if (!picture.clientWidth) return; // hidden: it will be called again when there is room
    if (!view.chosen) view.whole = nodes.length <= 60 && fitting() >= READABLE;
    if (view.whole) view.scale = fitting();
    else if (!view.chosen) view.scale = Math.max(1.15, fitting());
    $("[data-do=all]").textContent = view.whole ? "near" : "all";
    view.height = Math.min(HIGHEST, Math.ceil(graphHeight * Math.max(view.scale, fitting())));
    picture.style.height = `${view.height}px`;
    picture.classList.toggle("pannable", !view.whole);
    $(".zoom").hidden = fitting() >= READABLE && nodes.length <= 60 && !view.chosen;
    if (view.whole) place(graphWidth / 2, graphHeight / 2);
    else follow(moments[step][4], new Set(moments[step][5].map((e) => edges[e][2])), true);
  }

  function place(centreX, centreY) {
    cancelAnimationFrame(moving);
    const [w, h] = size();
    view.x = inside(centreX - w / 2, w, graphWidth);
    view.y = inside(centreY - h / 2, h, graphHeight);
    picture.setAttribute("viewBox", `${view.x} ${view.y} ${w} ${h}`);
  }

  // The view's edge stays within the graph; a graph smaller than the view stands in its middle.
  const inside = (x, width, whole) => (width >= whole ? (whole - width) / 2 : Math.max(0, Math.min(x, whole - width)));

  function follow(node, receivers, atOnce = false) {
    if (view.whole || !view.height) return;
    if (step === 0) node = Math.max(0, moments[1][4]); // begin where the first box will be computed
    const active = new Set(receivers);
    if (node >= 0) active.add(node);
    if (moments[step][0] === "forward" && node >= 0) {
      for (const x of nodes[node].of) if (Array.isArray(x)) active.add(x[0]);
    }
    const areas = [...active].map((k) => boxes[k].area);
    const [w, h] = size();
    if (!areas.length) return place(view.x + w / 2, view.y + h / 2); // the end: stay
    let [x0, x1, y0, y1] = around(areas);
    if (x1 - x0 > w || y1 - y0 > h) { // too far apart for one view: the box that changes
      const main = moments[step][0] === "forward" ? node : [...receivers][0] ?? node;
      [x0, x1, y0, y1] = around([boxes[main].area]);
    }
    const seen = x0 >= view.x && x1 <= view.x + w && y0 >= view.y && y1 <= view.y + h;
    if (!seen || atOnce) glide((x0 + x1) / 2, (y0 + y1) / 2, atOnce || stillness.matches);
  }

  const around = (areas) => [
    Math.min(...areas.map((a) => a.x0)), Math.max(...areas.map((a) => a.x1)),
    Math.min(...areas.map((a) => a.y0)), Math.max(...areas.map((a) => a.y1)),
  ];

  function glide(x, y, atOnce) {
    const [w, h] = size();
    const [fromX, fromY] = [view.x + w / 2, view.y + h / 2];
    if (atOnce) return place(x, y);
    const start = performance.now();
    const frame = (now) => {
      const t = Math.min(1, (now - start) / 300);
      const eased = t * (2 - t);
      place(fromX + (x - fromX) * eased, fromY + (y - fromY) * eased);
      if (t < 1) moving = requestAnimationFrame(frame);
    };
    cancelAnimationFrame(moving);
    moving = requestAnimationFrame(frame);
  }

  // fixed: the point of the window that stays where it is
  function zoom(factor, fixedX = picture.clientWidth / 2, fixedY = view.height / 2) {
    const [x, y] = [view.x + fixedX / view.scale, view.y + fixedY / view.scale];
    view.scale = Math.max(fitting() * 0.9, Math.min(4, view.scale * factor));
    Object.assign(view, { whole: false, chosen: true });
    const [w, h] = size();
    place(x - fixedX / view.scale + w / 2, y - fixedY / view.scale + h / 2);
    picture.classList.add("pannable");
    $("[data-do=all]").textContent = "all";
  }

  picture.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const corner = picture.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - corner.left, event.clientY - corner.top);
  }, { passive: false });

  let drag = null;
  picture.addEventListener("pointerdown", (event) => {
    if (!view.whole && event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  picture.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    if (!drag.moved) picture.setPointerCapture(event.pointerId); // so that no box sees a click at the end
    const [w, h] = size();
    place(view.x + w / 2 - dx / view.scale, view.y + h / 2 - dy / view.scale);
    drag = { x: event.clientX, y: event.clientY, moved: true };
    picture.classList.add("panning");
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => { drag = null; picture.classList.remove("panning"); });
  }

  // ---- controls

  const slider = $(".slider");
  slider.max = last;
  const share = (s) => `${(100 * s) / last}%`;
  const border = share(seedAt - 0.5); // blue up to here, orange after it
  slider.style.setProperty("--track", `linear-gradient(90deg, var(--forward) ${border}, var(--backward) ${border})`);

  const go = (s, animated = true) => { stop(); show(s, animated); };

  function play() {
    if (timer !== null) return stop();
    if (step === last) show(0);
    timer = setInterval(() => { show(step + 1, true); if (step === last) stop(); }, TOLD.play * 1000);
    showPlaying();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    showPlaying();
  }

  function showPlaying() {
    const button = $(".play");
    button.classList.toggle("playing", timer !== null);
    button.setAttribute("aria-label", timer !== null ? "pause" : "play");
  }

  // To the next step that concerns this box: it is computed, or receives a gradient; then to its first again.
  function visit(k) {
    const arrives = k === root ? [seedAt] : into[k].map((e) => edgeAt[e]);
    const concerns = [Math.max(0, computedBy[k]), ...arrives];
    go(concerns.find((s) => s > step) ?? concerns[0]);
  }

  const ACTIONS = {
    first: () => go(0), back: () => go(step - 1), play, forward: () => go(step + 1), last: () => go(last),
    in: () => zoom(1.3), out: () => zoom(1 / 1.3),
    all: () => { Object.assign(view, { whole: !view.whole, chosen: true, scale: 1.15 }); arrange(); },
  };
  document.querySelectorAll("[data-do]").forEach((b) => b.addEventListener("click", ACTIONS[b.dataset.do]));
  slider.addEventListener("input", () => go(Number(slider.value)));
  boxes.forEach(({ group }, k) => {
    group.addEventListener("click", () => visit(k));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter") visit(k); });
  });

  const KEYS = { ArrowRight: "forward", ArrowLeft: "back", Home: "first", End: "last", " ": "play" };
  document.addEventListener("keydown", (event) => {
    const action = KEYS[event.key];
    const at = event.target;
    if (!action || event.ctrlKey || event.altKey || event.metaKey || at.matches("input[type=number]")) return;
    if (event.key === " " && at.matches("button, summary")) return; // the browser presses it
    event.preventDefault();
    ACTIONS[action]();
  });

  // ---- the learner's own numbers

  function offerInputs() {
    const leaves = $(".leaves");
    if (TOLD.why_not) {
      $(".note").textContent = TOLD.why_not;
      return;
    }
    $(".note").textContent = "Everything is computed anew, here in the page: forward, slopes, gradients, sentences. "
      + "Your Python values stay as they are.";
    const inputs = new Map();
    TOLD.leaves.forEach((k) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "number", step: "any" });
      label.append(nodes[k].name, input);
      inputs.set(input, k);
      $(".inputs").append(label);
    });
    const reset = Object.assign(document.createElement("button"), { type: "button", textContent: "Reset" });
    const short = (x) => String(Number(x.toPrecision(6))); // 17 digits would not fit
    const start = () => inputs.forEach((k, input) => { input.value = short(TOLD.numbers.data[k]); });
    const read = () => {
      const data = [...TOLD.numbers.data];
      let changed = false;
      inputs.forEach((k, input) => {
        const isNumber = Number.isFinite(input.valueAsNumber);
        input.setAttribute("aria-invalid", String(!isNumber));
        const isChanged = isNumber && input.value !== short(TOLD.numbers.data[k]);
        if (isChanged) data[k] = input.valueAsNumber;
        input.parentElement.classList.toggle("changed", isChanged);
        changed ||= isChanged;
      });
      numbers = changed ? recompute(data) : atFirst;
      reset.disabled = !changed;
      show(step);
    };
    inputs.forEach((k, input) => input.addEventListener("input", () => { stop(); read(); }));
    reset.addEventListener("click", () => { start(); read(); });
    $(".inputs").append(reset);
    leaves.open = inputs.size <= 8;
    start();
    read();
  }

  // ---- the colours of the page around this one: JupyterLab, VS Code

  function followHost() {
    let host = null;
    try { host = window.frameElement && window.parent.document.body; } catch (error) { /* a page of another site */ }
    if (!host || TOLD.theme !== "auto") return;
    const read = () => {
      const lab = host.dataset.jpThemeLight;
      const isDark = lab === "false" || host.matches(".vscode-dark, .vscode-high-contrast:not(.vscode-light)");
      const isLight = lab === "true" || host.matches(".vscode-light");
      if (isDark || isLight) document.body.dataset.theme = isDark ? "dark" : "light";
    };
    read();
    const attributeFilter = ["data-jp-theme-light", "class"];
    new MutationObserver(read).observe(host, { attributes: true, attributeFilter });
  }

  followHost();
  show(0);
  offerInputs();
  new ResizeObserver(arrange).observe($(".view"));
  arrange();
})();
