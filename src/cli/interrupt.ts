import { endWith, leave } from './last-net.ts';

/** Exit code of a program that SIGINT ended: 128 plus the number of the signal. */
const ENDED_BY_INTERRUPT = 130;
/** How many milliseconds an action may take to report what it has found, after an error that nothing caught. */
const REPORT_DEADLINE_MS = 10_000;

/**
 * Runs a long action that can be ended early. The first SIGINT or SIGTERM aborts the signal that the action
 * gets, so that it can report what it found so far; the second ends the program at once. An error that nothing
 * catches aborts the signal as well.
 *
 * @throws what `act` throws, or else the error that nothing caught.
 */
export async function withInterrupt(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) leave(ENDED_BY_INTERRUPT);
    controller.abort();
  };
  let failure: { readonly error: unknown } | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const rescue = (error: unknown): void => {
    failure ??= { error };
    deadline ??= setTimeout(endWith, REPORT_DEADLINE_MS, error);
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('uncaughtException', rescue);
  try {
    await act(controller.signal);
  } finally {
    clearTimeout(deadline);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('uncaughtException', rescue);
  }
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}
