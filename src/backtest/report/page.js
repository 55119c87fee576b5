/* global devicePixelRatio, document, getComputedStyle, ResizeObserver */
// Paints the rows of regimes and of EDR bias, and shows one strategy's parts at a time. Runs in the reader's browser,
// after the script of the shared charts.
(() => {
  "use strict";

  const ROW = 30;
  const AXIS = 22;
  const REGIMES = ["calm", "elevated", "stress"];
  const { run, format, months, paint, asSlider } = globalThis.report;

  const choice = document.getElementById("strategy");
  const parts = document.querySelectorAll("[data-strategy]");
  const choose = () => parts.forEach((part) => (part.hidden = part.dataset.strategy !== choice.value));
  choice.addEventListener("change", choose);
  choose();

  const reads = {
    regime: (value) => REGIMES[value][0].toUpperCase() + REGIMES[value].slice(1),
    bias: (value) => (value > 0 ? "+" : "") + format.percent(value).replace("%", " pts"),
    percentile: (value) => format.percent(value).replace(/\.\d/, ""),
  };

  // Years, or months where the span is short; a label that would touch the one before it is left out.
  function ticks(sessions) {
    const size = sessions.length > 500 ? 4 : 7;
    return sessions.flatMap((date, i) =>
      i > 0 && date.slice(0, size) !== sessions[i - 1].slice(0, size) ? [[i, tickLabel(date, size)]] : [],
    );
  }

  function tickLabel(date, size) {
    const year = date.slice(0, 4);
    return size === 4 ? year : months[Number(date.slice(5, 7)) - 1] + " " + year;
  }

  function draw(map) {
    const figure = document.querySelector('[data-bands="' + map.id + '"]');
    const target = figure.querySelector(".cells");
    const canvas = figure.querySelector("canvas");
    const heading = figure.querySelector("h3");
    const outputs = map.rows.map((_, i) => figure.querySelector('[data-value="' + i + '"]'));
    const sessions = run.bands.sessions[map.on];
    const count = sessions.length;
    if (count === 0) return () => {};
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue("--" + name).trim();
    const height = map.rows.length * ROW + AXIS;
    let chosen = null;

    function cells(ctx, width) {
      map.rows.forEach((values, row) => {
        const top = row * ROW + 2;
        values.forEach((value, i) => {
          if (value === null) return;
          // Whole pixels: cells that half cover one would show as lines.
          const left = Math.floor((i / count) * width);
          const wide = Math.max(1, Math.floor(((i + 1) / count) * width) - left);
          let tall = ROW - 4;
          if (map.scale === "regime") {
            ctx.globalAlpha = 1;
            ctx.fillStyle = colour("band-" + REGIMES[value]);
            tall *= (value + 1) / REGIMES.length;
          } else {
            ctx.globalAlpha = Math.min(1, Math.abs(value) / map.full);
            ctx.fillStyle = colour(map.scale === "percentile" ? "place" : value < 0 ? "bias-low" : "bias-high");
          }
          ctx.fillRect(left, top + ROW - 4 - tall, wide, tall);
        });
      });
      ctx.globalAlpha = 1;
    }

    function axis(ctx, width) {
      ctx.font = "12px " + getComputedStyle(document.body).fontFamily;
      ctx.fillStyle = colour("muted");
      ctx.strokeStyle = colour("muted");
      ctx.textBaseline = "bottom";
      let free = 0;
      for (const [i, text] of ticks(sessions)) {
        const left = (i / count) * width;
        ctx.beginPath();
        ctx.moveTo(left, height - AXIS);
        ctx.lineTo(left, height - AXIS + 4);
        ctx.stroke();
        const size = ctx.measureText(text).width;
        if (left < free || left + size > width) continue;
        ctx.fillText(text, left, height - 2);
        free = left + size + 12;
      }
    }

    function repaint() {
      const width = target.clientWidth;
      canvas.width = width * devicePixelRatio;
      canvas.height = height * devicePixelRatio;
      canvas.style.height = height + "px";
      const ctx = canvas.getContext("2d");
      ctx.scale(devicePixelRatio, devicePixelRatio);
      cells(ctx, width);
      axis(ctx, width);
      if (chosen === null) return;
      ctx.fillStyle = colour("ink");
      ctx.fillRect(((chosen + 0.5) / count) * width - 0.5, 0, 1, height - AXIS);
    }

    function read(i) {
      chosen = i;
      heading.dataset.date = i === null ? "" : sessions[i];
      outputs.forEach((output, row) => {
        const value = map.rows[row][i ?? count - 1];
        output.textContent = value === null ? "unknown" : reads[map.scale](value);
      });
      repaint();
      const at = i ?? count - 1;
      slider.at(at, sessions[at] + ": " + outputs.map((output) => output.parentElement.textContent.trim()).join(", "));
    }

    const move = (event) => {
      const at = Math.floor(((event.clientX - target.getBoundingClientRect().left) / target.clientWidth) * count);
      read(Math.min(count - 1, Math.max(0, at)));
    };
    const leave = () => read(null);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerleave", leave);
    const slider = asSlider(target, count, read);
    const observer = new ResizeObserver(repaint);
    observer.observe(target);
    read(null);
    return () => {
      observer.disconnect();
      slider.remove();
      target.removeEventListener("pointermove", move);
      target.removeEventListener("pointerleave", leave);
    };
  }

  for (const map of run.bands.maps) paint(() => draw(map));
})();
