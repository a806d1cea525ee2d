/**
 * The result of an act, or an error as soon as the signal is aborted.
 *
 * @param act is not begun if the signal is aborted already
 * @param error what to reject with
 */
export function untilAborted<T>(
  act: () => Promise<T>,
  signal: AbortSignal | undefined,
  error: () => Error,
): Promise<T> {
  if (signal === undefined) return act();
  if (signal.aborted) return Promise.reject(error());
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(error());
    signal.addEventListener('abort', giveUp, { once: true });
    void act()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp));
  });
}
