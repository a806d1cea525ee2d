import { Script, createContext } from 'node:vm';

/** Something did not come back in time, and was stopped. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

interface Stage {
  act: () => void;
}

const ACT = new Script('act()');
const STAGE = createContext({ act: () => undefined }) as unknown as Stage;

/**
 * Does something that may never end. Nobody can stop a function from outside but the engine that runs
 * it, and `node:vm` is the way to ask it to: everything that the function calls is stopped as well.
 * Costs a thread each time, so that many short things are better done at once.
 *
 * @param seconds how long it may take.
 * @throws DeadlinePassed when it takes longer.
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
