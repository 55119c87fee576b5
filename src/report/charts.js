/* global devicePixelRatio, document, matchMedia, getComputedStyle, ResizeObserver, Path2D, uPlot */
// Draws the charts from the JSON in the page. Runs in the reader's browser, with uPlot loaded before it; a report's own
// script comes after it and finds what it needs in `globalThis.report`.
(() => {
  "use strict";

  const DAY = 86400;
  const YEAR = 365 * DAY;
  const FAMILY = getComputedStyle(document.body).fontFamily;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  // Regimes differ by depth of shade and by the spacing of their hatching, not by hue alone.
  const HATCH = { Elevated: 14, Stress: 6, Unknown: 3 };

  const run = JSON.parse(document.getElementById("data").textContent);
  const times = run.dates.map((date) => Date.parse(date + "T00:00:00Z") / 1000);
  const group = (text) => text.replace(/\B(?=(\d{3})+$)/g, ",");
  const fixed = (value, digits) => {
    const [whole, fraction] = Math.abs(value).toFixed(digits).split(".");
    return group(whole) + (fraction === undefined ? "" : "." + fraction);
  };
  const minus = (value, text) => (value < 0 && /[1-9]/.test(text) ? "−" + text : text);
  const dollars = (value) => minus(value, "$" + fixed(value, Math.abs(value) < 999.5 ? 2 : 0));
  const format = {
    usd: dollars,
    signedUsd: (value) => (value > 0 && /[1-9]/.test(dollars(value)) ? "+" : "") + dollars(value),
    eth: (value) => minus(value, fixed(value, 2)),
    points: (value) => fixed(value, 1),
    percent: (value) => minus(value, fixed(value * 100, 1) + "%"),
  };

  // Axis labels, as short as the step between them allows.
  function tick(unit, value, step) {
    const digits = (size) =>
      [0, 1, 2, 3, 4].find((n) => Math.abs(size * 10 ** n - Math.round(size * 10 ** n)) < 1e-6) ?? 5;
    if (unit === "points") return String(value);
    if (unit === "eth") return minus(value, fixed(value, digits(step)));
    if (unit === "percent") return minus(value, fixed(value * 100, digits(step * 100)) + "%");
    if (step >= 5e5 && Math.abs(value) >= 1e6) return minus(value, "$" + fixed(value / 1e6, digits(step / 1e6)) + "M");
    const scaled = Math.abs(value) >= 10000 || step >= 5000;
    if (!scaled) return minus(value, "$" + fixed(value, digits(step)));
    return value === 0 ? "$0" : minus(value, "$" + fixed(value / 1000, digits(step / 1000)) + "k");
  }

  // The scale of the VIX is marked where the regimes change, so that these lines can be read off.
  function volatilityTicks(low, high) {
    const marks = high > 45 ? [15, 25, 40, 60, 80, 100] : [10, 15, 20, 25, 30, 40];
    return marks.filter((mark) => mark >= low && mark <= high);
  }

  function roomAbove(low, high) {
    return [Math.max(0, low - 2), high + Math.max(2, high - low) * 0.22];
  }

  // A label names its year where that is not the year of the label before it.
  function dateTicks(splits, step) {
    return splits.map((time, i) => {
      const date = new Date(time * 1000);
      const month = MONTHS[date.getUTCMonth()];
      if (step < 28 * DAY) return date.getUTCDate() + " " + month;
      const year = date.getUTCFullYear();
      if (date.getUTCMonth() === 0) return String(year);
      return i > 0 && new Date(splits[i - 1] * 1000).getUTCFullYear() === year ? month : month + " " + year;
    });
  }

  // Over some years only Januaries are marked.
  function dateSteps(first, last) {
    return last - first > 3 * YEAR ? { incrs: [1, 2, 5, 10].map((years) => years * YEAR) } : {};
  }

  // A logarithmic scale is marked at round numbers, closer where it spans little.
  function logarithmicTicks(low, high) {
    const between = (steps) => {
      const marks = [];
      for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
        marks.push(...steps.map((step) => step * power));
      }
      return marks.filter((mark) => mark >= low && mark <= high);
    };
    const few = between([1, 2, 5]);
    return few.length < 4 ? between([1, 1.5, 2, 3, 4, 6, 8]) : few;
  }

  function shadeRegimes(plot) {
    const { ctx, bbox } = plot;
    const colours = getComputedStyle(document.documentElement);
    const ratio = devicePixelRatio;
    ctx.save();
    for (const [name, first, last] of run.regimes) {
      const left = Math.max(bbox.left, plot.valToPos(times[first] - DAY / 2, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(times[last] + DAY / 2, "x", true));
      const shade = "--" + name.toLowerCase();
      if (HATCH[name] !== undefined) {
        ctx.fillStyle = colours.getPropertyValue(shade);
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        ctx.save();
        const area = new Path2D();
        area.rect(left, bbox.top, right - left, bbox.height);
        ctx.clip(area);
        ctx.strokeStyle = colours.getPropertyValue(shade + "-line");
        ctx.lineWidth = ratio;
        ctx.beginPath();
        // Lines start at multiples of the spacing from the plot's edge, so that they run on across stretches.
        const gap = HATCH[name] * ratio;
        for (let x = bbox.left - bbox.height; x < right; x += gap) {
          ctx.moveTo(x, bbox.top + bbox.height);
          ctx.lineTo(x + bbox.height, bbox.top);
        }
        ctx.stroke();
        ctx.restore();
      }
    }
    ctx.restore();
  }

  // Above the grid, below the lines; a stretch too narrow for its name gets the initial, or nothing.
  function nameRegimes(plot) {
    const { ctx, bbox } = plot;
    const colours = getComputedStyle(document.documentElement);
    const ratio = devicePixelRatio;
    const pad = 4 * ratio;
    ctx.save();
    ctx.font = "600 " + 11 * ratio + "px " + FAMILY;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    for (const [name, first, last] of run.regimes) {
      const left = Math.max(bbox.left, plot.valToPos(times[first] - DAY / 2, "x", true));
      const right = plot.valToPos(times[last] + DAY / 2, "x", true);
      const text = [name, name.slice(0, 1)].find((label) => ctx.measureText(label).width + 2 * pad <= right - left);
      if (text === undefined) continue;
      ctx.fillStyle = colours.getPropertyValue("--halo");
      ctx.fillRect(left + pad / 2, bbox.top + pad / 2, ctx.measureText(text).width + pad, 15 * ratio);
      ctx.fillStyle = colours.getPropertyValue("--ink");
      ctx.fillText(text, left + pad, bbox.top + pad);
    }
    ctx.restore();
  }

  function drawLevels(plot, levels) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--muted");
    ctx.lineWidth = devicePixelRatio;
    for (const level of levels) {
      const { min, max } = plot.scales.y;
      if (level < min || level > max) continue;
      const y = Math.round(plot.valToPos(level, "y", true));
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Makes an element a slider over `count` days, so that keys and screen readers read what the pointer reads.
  function asSlider(target, count, onStep) {
    let current = count - 1;
    const leap = Math.max(1, Math.round(count / 20));
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -leap, PageUp: leap };
    function onKey(event) {
      const goal = { Home: 0, End: count - 1 }[event.key] ?? current + (moves[event.key] ?? NaN);
      if (Number.isNaN(goal)) return;
      event.preventDefault();
      current = Math.min(count - 1, Math.max(0, goal));
      onStep(current);
    }
    target.tabIndex = 0;
    target.setAttribute("role", "slider");
    target.setAttribute("aria-valuemin", 0);
    target.setAttribute("aria-valuemax", count - 1);
    target.addEventListener("keydown", onKey);
    return {
      at(i, text) {
        current = i;
        target.setAttribute("aria-valuenow", i);
        target.setAttribute("aria-valuetext", text);
      },
      remove: () => target.removeEventListener("keydown", onKey),
    };
  }

  function draw(chart) {
    if (times.length === 0) return () => {};
    const figure = document.querySelector('[data-chart="' + chart.id + '"]');
    const heading = figure.querySelector("h3");
    const target = figure.querySelector(".plot");
    const outputs = chart.series.map((_, i) => figure.querySelector('[data-value="' + i + '"]'));
    const resting = outputs.map((output) => output.textContent);
    const colours = getComputedStyle(document.documentElement);
    const colour = (name) => colours.getPropertyValue("--" + name).trim();
    const size = () => ({ width: target.clientWidth, height: target.clientHeight });
    const font = "12px " + FAMILY;
    const axis = { stroke: colour("muted"), font, grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };

    const own = chart.at === undefined ? times : chart.at.map((day) => times[day]);
    const dateAt = (idx) => run.dates[chart.at === undefined ? idx : chart.at[idx]];

    const plot = new uPlot(
      {
        ...size(),
        padding: [8, 16, 0, 0],
        tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, sync: { key: "run" }, y: false, points: { size: 7 } },
        scales: {
          x: { range: [times[0] - DAY / 2, times[times.length - 1] + DAY / 2] },
          // Names of regimes stand at the top: the lines leave them room.
          ...(chart.logarithmic ? { y: { distr: 3, range: (_, low, high) => [low / 1.08, high * 1.08] } } : {}),
          ...(chart.names ? { y: { range: (_, low, high) => roomAbove(low ?? 0, high ?? 40) } } : {}),
        },
        axes: [
          {
            ...axis,
            size: 28,
            space: 64,
            ...dateSteps(times[0], times[times.length - 1]),
            values: (_, splits, _axis, _space, step) => dateTicks(splits, step),
          },
          {
            ...axis,
            size: 52,
            space: 36,
            ...(chart.logarithmic
              ? { splits: (_, _axis, low, high) => logarithmicTicks(low, high), filter: (_, splits) => splits }
              : {}),
            ...(chart.unit === "points" ? { splits: (_, _axis, low, high) => volatilityTicks(low, high) } : {}),
            values: (_, splits, _axis, _space, step) =>
              splits.map((value) =>
                tick(chart.unit, value, chart.logarithmic ? Math.min(value, value < 10000 ? 1000 : value) : step),
              ),
          },
        ],
        series: [
          {},
          ...chart.series.map((series) => ({
            stroke: colour(series.colour),
            width: 2,
            dash: series.dash,
            show: !series.hidden,
            spanGaps: true,
            points: { show: own.length === 1 },
            ...(series.step ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
          })),
        ],
        hooks: {
          drawClear: [(self) => shadeRegimes(self)],
          drawAxes: [(self) => drawLevels(self, chart.levels), (self) => chart.names && nameRegimes(self)],
          setCursor: [
            ({ cursor: { idx } }) => {
              heading.dataset.date = idx == null ? "" : dateAt(idx);
              outputs.forEach((output, i) => {
                const value = idx == null ? undefined : chart.series[i].values[idx];
                if (idx == null) output.textContent = resting[i];
                else output.textContent = value == null ? "none" : format[chart.unit](value);
              });
              if (idx != null) say(idx);
            },
          ],
        },
      },
      [own, ...chart.series.map((series) => series.values)],
      target,
    );

    function say(idx) {
      const shown = outputs.filter((output) => output.closest('[aria-pressed="false"]') === null);
      const values = shown.map((output) => output.parentElement.textContent.trim());
      slider.at(idx, dateAt(idx) + ": " + values.join(", "));
    }
    const slider = asSlider(target, own.length, (i) => {
      plot.setCursor({ left: plot.valToPos(own[i], "x"), top: plot.height / 2 }, true, true);
    });
    say(own.length - 1);

    function onClick(event) {
      const button = event.target.closest("[data-line]");
      if (button === null) return;
      const show = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", show);
      chart.series[button.dataset.line].hidden = !show;
      plot.setSeries(Number(button.dataset.line) + 1, { show });
    }
    figure.addEventListener("click", onClick);

    const observer = new ResizeObserver(() => plot.setSize(size()));
    observer.observe(target);
    return () => {
      observer.disconnect();
      slider.remove();
      figure.removeEventListener("click", onClick);
      plot.destroy();
      heading.dataset.date = "";
      outputs.forEach((output, i) => (output.textContent = resting[i]));
    };
  }

  // A painter draws and gives back how to take its drawing away: colours change with the reader's theme.
  const painters = [];
  let undo = [];
  function paint(painter) {
    painters.push(painter);
    undo.push(painter());
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    undo.forEach((remove) => remove());
    undo = painters.map((painter) => painter());
  });

  for (const chart of run.charts) paint(() => draw(chart));
  globalThis.report = { run, format, months: MONTHS, paint, asSlider };
})();
