/** The plane in which vectors lie best, from their inner products alone. */

export interface Plane {
  /** Two unit vectors, each as weights of the given vectors. */
  readonly directions: readonly [readonly number[], readonly number[]];
  /** Where each vector stands in the plane. */
  readonly points: readonly (readonly [number, number])[];
}

/** The second direction has to be at least this share of the first as long. */
const LEAST_SHARE = 1e-4;

/**
 * Principal components of n vectors around zero (Li et al. 2018, section 7): eigenvectors of their
 * matrix of inner products.
 * @param gram n × n, row by row.
 * @returns undefined if the vectors lie on a line.
 */
export function principalPlane(gram: readonly (readonly number[])[]): Plane | undefined {
  const [first, second] = eigenvectors(gram);
  if (!first || !second || !(first.value > 0)) return undefined;
  if (!(second.value > LEAST_SHARE ** 2 * first.value)) return undefined;
  const weights = ({ value, vector }: Eigen) => vector.map(v => v / Math.sqrt(value));
  const place = ({ value, vector }: Eigen, i: number) => Math.sqrt(value) * (vector[i] ?? 0);
  return {
    directions: [weights(first), weights(second)],
    points: gram.map((_, i) => [place(first, i), place(second, i)]),
  };
}

interface Eigen {
  readonly value: number;
  readonly vector: readonly number[];
}

const SWEEPS = 30;

/** Of a symmetric matrix, largest first: Jacobi's rotations (Golub and Van Loan, section 8.5). */
export function eigenvectors(matrix: readonly (readonly number[])[]): readonly Eigen[] {
  const n = matrix.length;
  const a = matrix.map(row => Float64Array.from(row));
  const v = matrix.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  const at = (m: readonly Float64Array[], i: number, j: number) => m[i]?.[j] ?? 0;
  /** Turns two entries of a matrix against each other. */
  const turn = (m: readonly Float64Array[], i: number, j: number, k: number, l: number) => {
    const [x, y] = [at(m, i, j), at(m, k, l)];
    m[i]?.set([cosine * x - sine * y], j);
    m[k]?.set([sine * x + cosine * y], l);
  };
  let [cosine, sine] = [1, 0];
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = at(a, p, q);
        if (apq === 0) continue;
        const theta = (at(a, q, q) - at(a, p, p)) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        cosine = 1 / Math.hypot(t, 1);
        sine = t * cosine;
        for (let k = 0; k < n; k++) turn(a, k, p, k, q);
        for (let k = 0; k < n; k++) turn(a, p, k, q, k);
        for (let k = 0; k < n; k++) turn(v, k, p, k, q);
      }
    }
  }
  return matrix
    .map((_, i) => ({ value: at(a, i, i), vector: v.map(row => row[i] ?? 0) }))
    .sort((x, y) => y.value - x.value);
}
