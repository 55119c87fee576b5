import { useEffect, useId, useRef, useState } from "react";
import { when } from "../model/format.ts";

/** One line: seconds since 1970-01-01 against values. */
export interface ChartLine {
  label: string;
  /** Its class decides colour and dashes: `line-a` and so on. */
  style: "a" | "b" | "c";
  points: readonly { time: number; value: number }[];
  /** Level until the next point. */
  step?: boolean;
}

/** A stretch of the background. */
export interface ChartSpan {
  from: number;
  to: number;
  name: string;
}

interface LineChartProps {
  title: string;
  lines: readonly ChartLine[];
  text: (value: number) => string;
  /** Horizontal lines to read against. */
  levels?: readonly { value: number; label: string }[];
  spans?: readonly ChartSpan[];
  height?: number;
}

const MARGIN = { top: 12, right: 12, bottom: 26, left: 58 };

/** Lines over time in plain SVG, drawn for the width there is, and the same in words. */
export function LineChart({ title, lines, text, levels = [], spans = [], height = 210 }: LineChartProps) {
  const [box, width] = useWidth();
  const id = useId();
  const all = lines.flatMap(({ points }) => points);
  const first = all[0];
  if (first === undefined) return <p className="quiet">{title}: nothing to draw yet.</p>;
  const times = all.map(({ time }) => time);
  const [start, end] = [Math.min(...times), Math.max(...times)];
  const [low, high] = range([...all.map(({ value }) => value), ...levels.map(({ value }) => value)]);
  const x = (time: number): number =>
    MARGIN.left + ((time - start) / Math.max(1, end - start)) * (width - MARGIN.left - MARGIN.right);
  const y = (value: number): number =>
    height - MARGIN.bottom - ((value - low) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
  const ticks = [low, (low + high) / 2, high];
  return (
    <figure className="chart" ref={box}>
      <figcaption id={id}>{title}</figcaption>
      <ul className="legend">
        {lines.map((line) => (
          <li key={line.label}>
            <svg width="26" height="8" aria-hidden="true">
              <line className={`line line-${line.style}`} x1="0" y1="4" x2="26" y2="4" />
            </svg>
            {line.label} <b>{text(line.points.at(-1)?.value ?? 0)}</b>
          </li>
        ))}
      </ul>
      <svg width={width} height={height} role="img" aria-labelledby={id} aria-describedby={`${id}-words`}>
        {spans.map((span) => (
          <rect
            key={span.from}
            className={`span span-${span.name.toLowerCase()}`}
            x={x(Math.max(span.from, start))}
            y={MARGIN.top}
            width={Math.max(0, x(Math.min(span.to, end)) - x(Math.max(span.from, start)))}
            height={height - MARGIN.top - MARGIN.bottom}
          />
        ))}
        {ticks.map((value) => (
          <g key={value}>
            <line className="grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(value)} y2={y(value)} />
            <text className="tick" x={MARGIN.left - 8} y={y(value) + 4} textAnchor="end">
              {text(value)}
            </text>
          </g>
        ))}
        {levels.map((level) => (
          <g key={level.label}>
            <line
              className="level"
              x1={MARGIN.left}
              x2={width - MARGIN.right}
              y1={y(level.value)}
              y2={y(level.value)}
            />
            <text className="tick" x={MARGIN.left + 6} y={y(level.value) - 4}>
              {level.label}
            </text>
          </g>
        ))}
        {lines.map((line) => (
          <path key={line.label} className={`line line-${line.style}`} d={pathOf(line, x, y)} />
        ))}
        <text className="tick" x={MARGIN.left} y={height - 6}>
          {shortDay(start)}
        </text>
        <text className="tick" x={width - MARGIN.right} y={height - 6} textAnchor="end">
          {shortDay(end)}
        </text>
      </svg>
      <details>
        <summary>In words</summary>
        <p id={`${id}-words`}>{lines.map((line) => inWords(line, text)).join(" ")}</p>
      </details>
    </figure>
  );
}

function pathOf({ points, step }: ChartLine, x: (time: number) => number, y: (value: number) => number): string {
  return points
    .map(({ time, value }, index) => {
      if (index === 0) return `M${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
      return step === true
        ? `H${x(time).toFixed(1)}V${y(value).toFixed(1)}`
        : `L${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join("");
}

/** A little air above and below; a flat line gets some around it. */
function range(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = high === low ? Math.abs(high) * 0.05 || 1 : (high - low) * 0.06;
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air];
}

function inWords({ label, points }: ChartLine, text: (value: number) => string): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return `${label}: no data.`;
  const low = points.reduce((a, b) => (b.value < a.value ? b : a));
  const high = points.reduce((a, b) => (b.value > a.value ? b : a));
  return (
    `${label}: ${text(first.value)} at first (${when(first.time)}), ${text(last.value)} at last (${when(last.time)}), ` +
    `lowest ${text(low.value)} (${when(low.time)}), highest ${text(high.value)} (${when(high.time)}).`
  );
}

function shortDay(seconds: number): string {
  return when(seconds).split(",")[0] ?? "";
}

function useWidth(): [React.RefObject<HTMLElement | null>, number] {
  const box = useRef<HTMLElement | null>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.max(240, Math.floor(entry.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}
