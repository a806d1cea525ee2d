import { QemuHangs } from './qemu-error.ts';

/** How long QEMU may take for one answer, in milliseconds; a start is one, too. */
export const ANSWER_DEADLINE = 20_000;

/**
 * What `promise` comes to, if that is soon enough.
 *
 * @param what is waited for, for the message.
 * @param milliseconds until patience ends.
 * @throws QemuHangs when it is not.
 */
export function withinDeadline<T>(
  promise: Promise<T>,
  what: string,
  milliseconds = ANSWER_DEADLINE,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new QemuHangs(what, milliseconds)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
