/** A function to be minimised: answers its value at x and writes its gradient; Infinity where it is not defined. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** Steps after which a search ends whatever it has reached. */
const MAX_STEPS = 400;
/** A step is taken when it gains this share of what the slope promises (Armijo; Nocedal and Wright 2006, eq. 3.4). */
const ARMIJO = 1e-4;
/** Halvings of a step before the search gives up: 2⁻⁴⁰ is below the resolution of what is left to gain. */
const MAX_HALVINGS = 40;

/**
 * Minimises a smooth function by BFGS (Nocedal and Wright 2006, algorithm 6.1) with step halving. Coordinates should be
 * scaled so that the curvature at the start is about 1 in each. Ends when a step can no longer gain `tolerance`.
 * @returns the best x and its value
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  tolerance: number,
): { x: Float64Array; value: number } {
  const n = start.length;
  const inverse = identity(n);
  let x = start.slice();
  let gradient = new Float64Array(n);
  let value = objective(x, gradient);
  for (let step = 0; step < MAX_STEPS && Number.isFinite(value); step++) {
    let direction = multiply(inverse, gradient, -1);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      inverse.set(identity(n));
      direction = gradient.map((g) => -g);
      slope = dot(direction, gradient);
    }
    if (-slope < tolerance) break;

    let length = 1;
    let next = x;
    const nextGradient = new Float64Array(n);
    let nextValue = Infinity;
    for (let halving = 0; halving < MAX_HALVINGS; halving++, length /= 2) {
      next = x.map((xi, i) => xi + length * direction[i]!);
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + ARMIJO * length * slope) break;
      nextValue = Infinity;
    }
    if (nextValue === Infinity) break;
    update(
      inverse,
      next.map((xi, i) => xi - x[i]!),
      nextGradient.map((g, i) => g - gradient[i]!),
    );
    x = next;
    gradient = nextGradient;
    value = nextValue;
  }
  return { x, value };
}

/** The BFGS update of the inverse Hessian, left out where the curvature along the step is not positive. */
function update(inverse: Float64Array, s: Float64Array, y: Float64Array): void {
  const n = s.length;
  const curvature = dot(s, y);
  if (!(curvature > 0)) return;
  const hy = multiply(inverse, y, 1);
  const scale = (1 + dot(y, hy) / curvature) / curvature;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      inverse[i * n + j]! += scale * s[i]! * s[j]! - (hy[i]! * s[j]! + s[i]! * hy[j]!) / curvature;
    }
  }
}

function identity(n: number): Float64Array {
  return new Float64Array(n * n).map((_, at) => (at % (n + 1) === 0 ? 1 : 0));
}

function multiply(matrix: Float64Array, x: Float64Array, sign: number): Float64Array {
  return x.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += matrix[i * x.length + j]! * x[j]!;
    return sign * sum;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
