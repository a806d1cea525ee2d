import { QemuHangs } from './qemu-error.ts';

/** How many milliseconds QEMU may take for one answer, or for its start. */
export const ANSWER_DEADLINE_MS = 20_000;

/**
 * The result of `promise`, or its error.
 *
 * @param what the awaited answer, for the message.
 * @param milliseconds how long to wait.
 * @throws QemuHangs when the promise is not settled in time.
 */
export function withinDeadline<T>(
  promise: Promise<T>,
  what: string,
  milliseconds = ANSWER_DEADLINE_MS,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new QemuHangs(what, milliseconds)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
