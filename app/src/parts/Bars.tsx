/** One measure before and after; values on one scale, and how they read. */
export interface BarPair {
  name: string;
  before: number;
  after: number;
  /** A policy's limit to draw, on the same scale; null for none. */
  limit: number | null;
  text: (value: number) => string;
}

/** Before and after as bars from a common zero, with the numbers beside them. */
export function Bars({ pairs }: { pairs: readonly BarPair[] }) {
  return (
    <div className="bars">
      {pairs.map((pair) => (
        <div className="bar-pair" key={pair.name}>
          <h3>{pair.name}</h3>
          <Bar word="Before" value={pair.before} pair={pair} />
          <Bar word="After" value={pair.after} pair={pair} />
          {pair.limit === null ? null : <p className="hint">Limit {pair.text(pair.limit)}, marked in the bars.</p>}
        </div>
      ))}
    </div>
  );
}

function Bar({ word, value, pair }: { word: "Before" | "After"; value: number; pair: BarPair }) {
  const { before, after, limit } = pair;
  const all = [before, after, limit ?? 0, 0];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const width = high - low || 1;
  const at = (number: number): number => ((number - low) / width) * 100;
  const [from, to] = [at(Math.min(0, value)), at(Math.max(0, value))];
  return (
    <div className="bar-row">
      <span className="bar-word">{word}</span>
      <span className="bar-track" aria-hidden="true">
        <span
          className={`bar-fill bar-${word.toLowerCase()}`}
          style={{ left: `${from}%`, width: `${Math.max(to - from, 0.6)}%` }}
        />
        {limit === null ? null : <span className="bar-limit" style={{ left: `${at(limit)}%` }} />}
      </span>
      <span className="bar-value">{pair.text(value)}</span>
    </div>
  );
}
