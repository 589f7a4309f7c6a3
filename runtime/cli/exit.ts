/** Exit codes of the command line. */
export const EXIT = { completed: 0, failed: 1, wrongUsage: 2, finding: 3, stopped: 130 } as const;

/** The command line cannot be understood. */
export class UsageError extends Error {}
