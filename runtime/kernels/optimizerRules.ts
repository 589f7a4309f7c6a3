/**
 * The update rules as WGSL, in PyTorch's order of operations. r is the effective learning rate of
 * an element and s its step size, both in units of η.
 */
import type { UpdateRule } from "./optimizer.ts";

/** The hyper-parameters of a tensor by the names of a rule's words. */
export type Hyper<Words extends readonly string[]> = Readonly<Record<Words[number], number>>;

/** The values of hyper-parameters in the order of a rule's words. */
export function inOrder<Word extends string>(
  words: readonly Word[],
  hyper: Readonly<Record<Word, number>>,
): number[] {
  return words.map(word => hyper[word]);
}

/** What rules share whose effective learning rate `rate` comes from a `root` by element. */
const ADAPTIVE = {
  adaptive: true,
  mask: `
      root = select(vec4f(LARGEST), root, valid);
      rate = select(vec4f(), rate, valid);`,
  observeValid: `
    rootMin = least(rootMin, root);
    rateSquares += dot(rate, rate);
    epsDominated += below(root, vec4f(epsilon));`,
};

const OBSERVE_ROOT = `
    rootMax = greatest(rootMax, root);`;

const ROOT_EXTREMES = `
  let rateMin = 1.0 / (rootMax + epsilon);
  let rateMax = 1.0 / (rootMin + epsilon);`;

/** Rules with one effective learning rate for all elements. */
const UNIFORM = {
  adaptive: false,
  observe: "",
  mask: "",
  observeValid: "",
  conclude: `
  let rateMin = 1.0;
  let rateMax = 1.0;
  let stepUnit = 1.0;`,
};

// --- Adam and its kin ----------------------------------------------------------------------------

export const ADAM_WORDS = [
  /** −1 to maximize. */
  "orientation",
  /** Weight decay that is added to the gradient (Adam). */
  "coupledDecay",
  /** Share of θ that is taken away beside the step: ηλ (AdamW). */
  "decay",
  /** 1 − β₁ */
  "blend",
  /** β₂ */
  "forget",
  /** 1 − β₂ */
  "blendSquare",
  /** η times meanScale; NAdam: η. */
  "stepScale",
  /** 1 / (1 − β₁ᵗ) */
  "meanScale",
  /** 1 / √(1 − β₂ᵗ); RAdam: 1 / its rectification too, 0 before that is defined. */
  "rootScale",
  /** ε; RAdam: times rootScale, 1 before the rectification is defined. */
  "epsilon",
  /** 1 where the group keeps the largest squares (AMSGrad), else 0. */
  "amsgrad",
  /** Factor of the gradient itself in the step (NAdam). */
  "gradientScale",
] as const;

/** RAdam, and Adam but for its correction: r = 1 / (√v̂ + ε), s = |m̂| r. */
export const RADAM_RULE: UpdateRule = {
  ...ADAPTIVE,
  name: "radam",
  words: ADAM_WORDS,
  state: ["means", "squares"],
  read: `
    let oldMean = means[at];
    let oldSquare = squares[at];`,
  update: `
    let gradient = orientation * raw + coupledDecay * before;
    let mean = oldMean + blend * (gradient - oldMean);
    let square = forget * oldSquare + blendSquare * gradient * gradient;
    var root = sqrt(square) * rootScale;
    var rate = 1.0 / (root + epsilon);
    let step = mean * rate;
    let update = -(decay * before + stepScale * step);`,
  write: `
    means[at] = mean;
    squares[at] = square;`,
  observeRead: "signFlips += flips(orientation * raw, oldMean);",
  observe: OBSERVE_ROOT,
  conclude: `${ROOT_EXTREMES}
  let stepUnit = meanScale;`,
  quantities: `
    let rates = 1.0 / (sqrt(squares[at]) * rootScale + epsilon);
    let sizes = abs(means[at]) * meanScale * rates;`,
};

/** Adam and AdamW. */
export const ADAM_RULE: UpdateRule = {
  ...RADAM_RULE,
  name: "adam",
  correction: `
  let meanGrown = grown(blend, taken);
  meanScale /= meanGrown;
  stepScale /= meanGrown;
  rootScale /= sqrt(grown(blendSquare, taken));`,
};

/** Adam and AdamW with AMSGrad in at least one group: r is that of the largest v so far. */
export const AMSGRAD_RULE: UpdateRule = {
  ...ADAM_RULE,
  name: "amsgrad",
  state: ["means", "squares", "peaks"],
  read: `${ADAM_RULE.read}
    let oldPeak = peaks[at];`,
  update: ADAM_RULE.update.replace(
    "var root = sqrt(square)",
    `let peak = max(square, amsgrad * oldPeak);
    var root = sqrt(peak)`,
  ),
  write: `${ADAM_RULE.write}
    peaks[at] = peak;`,
  quantities: ADAM_RULE.quantities.replace("squares[at]", "peaks[at]"),
};

/** NAdam: r = 1 / (√v̂ + ε), s = |gradientScale · g + meanScale · m| r. */
export const NADAM_RULE: UpdateRule = {
  ...RADAM_RULE,
  name: "nadam",
  update: RADAM_RULE.update.replace(
    "let step = mean * rate",
    "let step = (gradientScale * gradient + meanScale * mean) * rate",
  ),
  conclude: `${ROOT_EXTREMES}
  let stepUnit = 1.0;`,
  // θ before the step, which decays, follows from θ after it.
  quantities: `
    let rates = 1.0 / (sqrt(squares[at]) * rootScale + epsilon);
    let known = gradientScale * orientation * grads[at] + meanScale * means[at];
    let pull = gradientScale * coupledDecay;
    let before = (theta[at] + stepScale * rates * known) / (1.0 - decay - stepScale * rates * pull);
    let sizes = abs(known + pull * before) * rates;`,
};

// --- Adagrad and RMSprop -------------------------------------------------------------------------

export const ADAGRAD_WORDS = [
  "orientation",
  "coupledDecay",
  /** Where the sum of squares starts, in the first step; else 0. */
  "begin",
  /** η / (1 + (t − 1) · lrDecay) */
  "stepScale",
  /** The same in units of η. */
  "rateUnit",
  "epsilon",
] as const;

/** Adagrad: r = rateUnit / (√Σg² + ε), s = |g| r. */
export const ADAGRAD_RULE: UpdateRule = {
  ...ADAPTIVE,
  name: "adagrad",
  words: ADAGRAD_WORDS,
  state: ["sums"],
  read: "let oldSum = sums[at];",
  update: `
    let gradient = orientation * raw + coupledDecay * before;
    let sum = oldSum + begin + gradient * gradient;
    var root = sqrt(sum);
    var rate = rateUnit / (root + epsilon);
    let step = gradient / (root + epsilon);
    let update = -stepScale * step;`,
  write: "sums[at] = sum;",
  observeRead: "",
  observe: OBSERVE_ROOT,
  conclude: `
  let rateMin = rateUnit / (rootMax + epsilon);
  let rateMax = rateUnit / (rootMin + epsilon);
  let stepUnit = rateUnit;`,
  quantities: `
    let share = 1.0 / (sqrt(sums[at]) + epsilon);
    let force = orientation * grads[at];
    let before = (theta[at] + stepScale * share * force) / (1.0 - stepScale * share * coupledDecay);
    let rates = share * rateUnit;
    let sizes = abs(force + coupledDecay * before) * rates;`,
};

export const RMSPROP_WORDS = [
  "orientation",
  "coupledDecay",
  /** η */
  "lr",
  /** α */
  "forget",
  /** 1 − α */
  "blendSquare",
  /** 1 where the group subtracts the squared mean gradient, else 0. */
  "centered",
  /** Momentum. */
  "inertia",
  "epsilon",
] as const;

/**
 * RMSprop: r = 1 / (√v + ε) with v the running mean of squares (centered: the variance), s = |g| r,
 * or the size of the momentum buffer.
 * @param centered whether a group is centered. @param momentum whether one has momentum.
 */
export function rmspropRule(centered: boolean, momentum: boolean): UpdateRule {
  // Rounding may make a variance negative.
  const root = (mean: string, square: string) =>
    centered ? `sqrt(max(vec4f(), ${square} - centered * ${mean} * ${mean}))` : `sqrt(${square})`;
  return {
    ...ADAPTIVE,
    name: `rmsprop${centered ? " centered" : ""}${momentum ? " momentum" : ""}`,
    words: RMSPROP_WORDS,
    state: ["meanSquares", ...(centered ? ["averages"] : []), ...(momentum ? ["momenta"] : [])],
    read: `
    let oldSquare = meanSquares[at];
    ${centered ? "let oldAverage = averages[at];" : ""}
    ${momentum ? "let oldMomentum = momenta[at];" : ""}`,
    update: `
    let gradient = orientation * raw + coupledDecay * before;
    let square = forget * oldSquare + blendSquare * gradient * gradient;
    ${centered ? "let average = forget * oldAverage + blendSquare * gradient;" : ""}
    var root = ${root("average", "square")};
    var rate = 1.0 / (root + epsilon);
    let step = ${momentum ? "inertia * oldMomentum + gradient * rate" : "gradient * rate"};
    let update = -lr * step;`,
    write: `
    meanSquares[at] = square;
    ${centered ? "averages[at] = average;" : ""}
    ${momentum ? "momenta[at] = step;" : ""}`,
    observeRead: momentum ? "signFlips += flips(orientation * raw, oldMomentum);" : "",
    observe: OBSERVE_ROOT,
    conclude: `${ROOT_EXTREMES}
  let stepUnit = 1.0;`,
    quantities: `
    let rates = 1.0 / (${root("averages[at]", "meanSquares[at]")} + epsilon);
    ${
      momentum
        ? "let sizes = abs(momenta[at]);"
        : `let force = orientation * grads[at];
    let before = (theta[at] + lr * rates * force) / (1.0 - lr * rates * coupledDecay);
    let sizes = abs(force + coupledDecay * before) * rates;`
    }`,
    correction: "",
  };
}

// --- one rate for all elements -------------------------------------------------------------------

export const SGD_WORDS = [
  "orientation",
  /** Weight decay, added to the gradient. */
  "coupledDecay",
  /** η */
  "lr",
  /** Factor of the momentum so far. */
  "inertia",
  /** Factor of the gradient that is added to it: 1 − dampening, and 1 in the first step. */
  "blend",
  /** The direction is gradientShare · g + momentumShare · momentum: Nesterov mixes both. */
  "gradientShare",
  "momentumShare",
] as const;

/** SGD whose groups all have momentum 0: r = 1, s = |g|. */
export const SGD_RULE: UpdateRule = {
  ...UNIFORM,
  name: "sgd",
  words: SGD_WORDS,
  state: [],
  read: "",
  write: "",
  update: `
    let step = orientation * raw + coupledDecay * before;
    let update = -lr * step;`,
  observeRead: "",
  // θ before the step, which decays, follows from θ after it, which is before − lr · step.
  quantities: `
    let force = orientation * grads[at];
    let before = (theta[at] + lr * force) / (1.0 - lr * coupledDecay);
    let sizes = abs(force + coupledDecay * before);`,
  correction: "",
};

/** SGD with momentum in at least one group: r = 1, s = |direction|. */
export const MOMENTUM_RULE: UpdateRule = {
  ...UNIFORM,
  name: "momentum",
  words: SGD_WORDS,
  state: ["momenta"],
  read: "let oldMomentum = momenta[at];",
  update: `
    let gradient = orientation * raw + coupledDecay * before;
    let newMomentum = inertia * oldMomentum + blend * gradient;
    let step = gradientShare * gradient + momentumShare * newMomentum;
    let update = -lr * step;`,
  write: "momenta[at] = newMomentum;",
  observeRead: "signFlips += flips(orientation * raw, oldMomentum);",
  quantities: `
    let known = gradientShare * orientation * grads[at] + momentumShare * momenta[at];
    let pull = gradientShare * coupledDecay;
    let before = (theta[at] + lr * known) / (1.0 - lr * pull);
    let sizes = abs(known + pull * before);`,
  correction: `
  if (taken == 1.0) {
    inertia = 0.0;
    blend = 1.0;
  }`,
};

export const LION_WORDS = [
  "orientation",
  /** ηλ */
  "decay",
  /** η */
  "lr",
  /** 1 − β₁ */
  "blend",
  /** 1 − β₂ */
  "blendMean",
] as const;

/** Lion: r = 1, s = 1, or 0 where neither gradient nor momentum is. */
export const LION_RULE: UpdateRule = {
  ...UNIFORM,
  name: "lion",
  words: LION_WORDS,
  state: ["means"],
  read: "let oldMean = means[at];",
  update: `
    let gradient = orientation * raw;
    let step = sign(oldMean + blend * (gradient - oldMean));
    let update = -(decay * before + lr * step);`,
  write: "means[at] = oldMean + blendMean * (gradient - oldMean);",
  observeRead: "signFlips += flips(orientation * raw, oldMean);",
  quantities: `
    let isStill = (grads[at] == vec4f()) & (means[at] == vec4f());
    let sizes = select(vec4f(1.0), vec4f(), isStill);`,
  correction: "",
};

export const MUON_WORDS = [
  /** ηλ */
  "decay",
  /** η times rateUnit. */
  "stepScale",
  /** How η is adjusted to the shape of the matrix. */
  "rateUnit",
  /** 1 − momentum */
  "blend",
] as const;

/** Muon, whose `directions` are computed before: r = rateUnit, s = rateUnit · |direction|. */
export const MUON_RULE: UpdateRule = {
  ...UNIFORM,
  name: "muon",
  words: MUON_WORDS,
  state: ["momenta", "directions"],
  read: `
    let oldMomentum = momenta[at];
    let step = directions[at];`,
  update: "let update = -(decay * before + stepScale * step);",
  write: "momenta[at] = oldMomentum + blend * (raw - oldMomentum);",
  observeRead: "signFlips += flips(raw, oldMomentum);",
  conclude: `
  let rateMin = rateUnit;
  let rateMax = rateUnit;
  let stepUnit = rateUnit;`,
  quantities: `
    let sizes = rateUnit * abs(directions[at]);`,
};
