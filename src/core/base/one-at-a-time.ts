/** Work that many ask for and that runs once at a time. */

/**
 * @returns asks for the work and waits for it. Asked again while it runs, it runs once more, because it may have passed what
 *   is asked for; all who asked wait for that, and hear of its error.
 */
export function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let isWanted = false;
  const runWhileWanted = async (): Promise<void> => {
    while (isWanted) {
      isWanted = false;
      await work();
    }
  };
  return () => {
    isWanted = true;
    running ??= runWhileWanted().finally(() => {
      running = null;
    });
    return running;
  };
}
