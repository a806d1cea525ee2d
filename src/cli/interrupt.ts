/** Exit code of a program that SIGINT ended: 128 plus the number of the signal. */
const ENDED_BY_INTERRUPT = 130;

/**
 * Runs a long action that can be ended early. The first SIGINT or SIGTERM aborts the signal that the action
 * gets, so that it can report what it found so far; the second ends the program at once.
 */
export async function withInterrupt(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(ENDED_BY_INTERRUPT);
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    await act(controller.signal);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
