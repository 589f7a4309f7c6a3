/** What has to be done before a run that is told to stop may end. */

const tasks = new Set<() => Promise<void>>();

/** Has `task` called when the run is told to stop. It ends when that is done, or a moment later. */
export function beforeStop(task: () => Promise<void>): void {
  tasks.add(task);
}

/** Does what has to be done. */
export async function prepareToStop(): Promise<void> {
  await Promise.all([...tasks].map(task => task()));
}
