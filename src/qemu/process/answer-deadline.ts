import { InvalidInput } from '../../input/index.ts';
import { QemuHangs } from './qemu-error.ts';

const DEFAULT_SECONDS = 20;
const MOST_SECONDS = 3600;

/**
 * How many milliseconds QEMU may take for one answer, or for its start: 20 s, or as many seconds as the user says. A QEMU
 * with sanitizers, or on an emulated processor, needs more.
 *
 * @param environment for `BARPROOF_QEMU_DEADLINE`: seconds, above 0 and at most 3600.
 * @throws InvalidInput when the variable is no such number.
 */
export function answerDeadline(environment: NodeJS.ProcessEnv = process.env): number {
  const text = environment['BARPROOF_QEMU_DEADLINE'];
  if (text === undefined || text === '') return DEFAULT_SECONDS * 1000;
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds * 1000;
  const message = `"${text}": expected seconds, above 0 and at most ${MOST_SECONDS}, such as 60`;
  throw new InvalidInput([{ path: 'BARPROOF_QEMU_DEADLINE', message }]);
}

/**
 * The result of `promise`, or its error.
 *
 * @param what the awaited answer, for the message.
 * @param milliseconds how long to wait.
 * @throws QemuHangs when the promise is not settled in time.
 */
export function withinDeadline<T>(promise: Promise<T>, what: string, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new QemuHangs(what, milliseconds)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
