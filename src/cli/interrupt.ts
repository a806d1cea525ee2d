/** Exit code of a program that an interrupt ended: 128 and the number of SIGINT. */
const ENDED_BY_INTERRUPT = 130;

/**
 * Does something that takes a while and that can be ended early: the first interrupt from the keyboard
 * is given to it as a signal, so that it says what it knows; the second ends the program on the spot.
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
