/** Between debuggers and the engine. */

/**
 * Global function of the engine, by `Symbol.for`: reads the elements of a tensor for its description,
 * and returns whatever it is given.
 */
export const LOOK = "stepscope.look";
