import type { Scenario } from '../scenario/index.ts';

/** How long a run may still take after the interrupt, in milliseconds: most runs on a real QEMU end in this time. */
const GRACE_MS = 3000;

/** A run was given up, because the user has interrupted the command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Runs scenarios until 3 s after the interrupt. A run on a real VMM that takes longer is given up: a QEMU that hangs
 * would delay the report for 20 s and more. The caller ends the VMM. Runs on the model are short and not interrupted.
 *
 * @param signal the interrupt; every run may take its time where left out.
 * @returns a function that throws Interrupted after the interrupt, and else what `run` throws.
 */
export function interruptible<Result>(
  run: (scenario: Scenario) => Result | Promise<Result>,
  signal: AbortSignal | undefined,
): (scenario: Scenario) => Result | Promise<Result> {
  if (signal === undefined) return run;
  let end = signal.aborted ? performance.now() + GRACE_MS : Infinity;
  signal.addEventListener('abort', () => (end = performance.now() + GRACE_MS), { once: true });
  return (scenario) => {
    if (performance.now() > end) throw new Interrupted('interrupted');
    const running = run(scenario);
    if (!(running instanceof Promise)) return running;
    // Promise.race with one promise for all runs would keep every trace in memory.
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const giveUp = (): void => {
        timer = setTimeout(() => reject(new Interrupted('interrupted')), end - performance.now());
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
      void running.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      });
    });
  };
}
