import * as fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';

/** `BARPROOF_INPUTS=1000000` gives each door a million inputs. */
export const INPUTS = Number(process.env['BARPROOF_INPUTS'] ?? 300);
/** In milliseconds. */
export const DOOR_TIMEOUT = 120_000 + INPUTS * 10;
/** No input may take longer, in milliseconds. */
const DEADLINE = 10_000;
/** So many bytes may stay behind from the second half of the inputs. */
const MOST_GROWTH = 20 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
function usedMemory(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/**
 * Puts inputs through a door. Each must end in time, and all together leave no memory behind.
 *
 * @param numRuns how often; fewer than `INPUTS` where `enter` puts several inputs through the door.
 */
export async function putThroughDoor<T>(
  inputs: fc.Arbitrary<T>,
  enter: (input: T) => Promise<void> | void,
  numRuns = INPUTS,
): Promise<void> {
  let count = 0;
  let half = Infinity;
  const timed = async (input: T): Promise<void> => {
    const start = performance.now();
    await enter(input);
    expect(performance.now() - start).toBeLessThan(DEADLINE);
    if (++count === Math.ceil(numRuns / 2)) half = usedMemory();
  };
  await fc.assert(fc.asyncProperty(inputs, timed), { numRuns, endOnFailure: true });
  expect(usedMemory() - half).toBeLessThan(MOST_GROWTH);
}
