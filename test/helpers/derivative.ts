/** Slope at zero by central differences of fourth order (Richardson): good to about step⁴. */
export function derivative(of: (shift: number) => number, step: number): number {
  const first = (of(step) - of(-step)) / (2 * step);
  const second = (of(2 * step) - of(-2 * step)) / (4 * step);
  return (4 * first - second) / 3;
}
