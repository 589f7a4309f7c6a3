/** Learning rates that are usual of optimizers whose updates have the size of the learning rate, whatever the task. */

/**
 * By the name of the optimizer. Adagrad divides by the root of a sum and not of a mean of squares: its updates fall as 1 / √t, which
 * over some hundred steps takes about ten times the rate. Lion's are the learning rate itself in each element, as those of Adam would be
 * if all gradients agreed: its rate is 3 to 10 times smaller (Chen et al. 2023).
 */
const USUAL: readonly (readonly [RegExp, number])[] = [
  [/adagrad/i, 1e-1],
  [/lion/i, 3e-3],
  [/adam|rms|adadelta/i, 1e-2],
];

/** @returns undefined for gradient descent, with momentum or without, and for what is not known. */
export function usualRate(optimizer: string): number | undefined {
  return USUAL.find(([name]) => name.test(optimizer))?.[1];
}
