import { Script, createContext } from 'node:vm';

/** A function did not return in time, and was stopped. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

interface Stage {
  act: () => void;
}

const ACT = new Script('act()');
const STAGE = createContext({ act: () => undefined }) as unknown as Stage;

/**
 * Calls a function that may never return. Only the JavaScript engine can stop a running function, and `node:vm`
 * gives access to that: everything that the function calls is stopped as well. Each call costs a thread, so
 * many short functions are better called together.
 *
 * @param seconds how long the function may take.
 * @throws DeadlinePassed when the function takes longer.
 */
export function stopAfter<T>(act: () => T, seconds: number): T {
  let result: { readonly value: T } | undefined;
  STAGE.act = () => {
    result = { value: act() };
  };
  try {
    ACT.runInContext(STAGE as unknown as object, { timeout: 1000 * seconds });
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new DeadlinePassed(`takes more than ${seconds} s`);
  }
  return result!.value;
}

/** How often a function is called that gets little of the CPU. */
const ATTEMPTS = 3;

/**
 * As `stopAfter`, for a function that may be called again: under load it may take longer than the deadline although it
 * needs little of the CPU, and gets another try.
 *
 * @throws DeadlinePassed when the function has used the CPU for a tenth of the time, or has had all of its tries.
 */
export function stopAfterTries<T>(act: () => T, seconds: number): T {
  for (let attempt = 1; ; attempt++) {
    const before = process.cpuUsage();
    try {
      return stopAfter(act, seconds);
    } catch (error) {
      const { user, system } = process.cpuUsage(before);
      const isBusyItself = (user + system) / 1e6 > seconds / 10;
      if (!(error instanceof DeadlinePassed) || isBusyItself || attempt === ATTEMPTS) throw error;
    }
  }
}
