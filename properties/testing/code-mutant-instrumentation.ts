import type { ActiveCodeMutant } from './code-mutant-messages.ts';

/** How often code may ask for the active code mutant between two looks at the clock. */
const ASKED_PER_LOOK = 4096;

/** The CPU time of this thread, in milliseconds; the types of Node 20 lack the function. */
export function cpuTime(): number {
  const { user, system } = (
    process as unknown as { threadCpuUsage: typeof process.cpuUsage }
  ).threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * The object in which Stryker's instrumented code looks for the active code mutant, and counts what a test reaches. The
 * code asks at each code mutant that it passes, so an endless loop ends here by an exception.
 */
class Instrumentation {
  currentTestId: string | undefined;
  mutantCoverage: unknown;
  hitCount: number | undefined;
  hitLimit: number | undefined;
  isTooLate = false;
  #end = Infinity;
  #asked = 0;
  #active: string | undefined;

  get activeMutant(): string | undefined {
    if (++this.#asked % ASKED_PER_LOOK === 0 && cpuTime() > this.#end) {
      this.isTooLate = true;
      throw new Error('a mutant takes too long');
    }
    return this.#active;
  }

  set activeMutant(id: string | undefined) {
    this.#active = id;
  }

  begin(mutant: ActiveCodeMutant | undefined): void {
    this.hitCount = 0;
    this.hitLimit = mutant?.hitLimit;
    this.isTooLate = false;
    this.#end = mutant === undefined ? Infinity : cpuTime() + mutant.longest;
  }

  /** @returns whether the code mutant made an endless loop. */
  end(): boolean {
    this.#active = undefined;
    this.#end = Infinity;
    const { hitCount = 0, hitLimit = Infinity } = this;
    return this.isTooLate || hitCount > hitLimit;
  }
}
export const instrumentation = new Instrumentation();
(globalThis as { __stryker__?: Instrumentation }).__stryker__ = instrumentation;
