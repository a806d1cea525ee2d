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
