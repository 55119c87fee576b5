import type { Limit } from "../model/limits.ts";

/** A measure inside its band, with the distance to the nearer limit. */
export function LimitRows({ limits }: { limits: readonly Limit[] }) {
  return (
    <>
      {limits.map((limit) => {
        const inside = limit.margin >= 0;
        return (
          <tr key={limit.name}>
            <th scope="row">
              <span className={inside ? "inside" : "outside"}>{inside ? "✓" : "✕"}</span> {limit.name}
            </th>
            <td className="number">{limit.text(limit.value)}</td>
            <td className="number">
              {limit.least === null ? `at most ${limit.text(limit.most ?? 0)}` : `at least ${limit.text(limit.least)}`}
            </td>
            <td className="number">
              <span className={inside ? "inside" : "outside"}>
                {inside ? `${limit.text(limit.margin)} to spare` : `${limit.text(-limit.margin)} outside`}
              </span>
            </td>
          </tr>
        );
      })}
    </>
  );
}
