import { describe, expect, it } from 'vitest';
import { DeadlinePassed, stopAfter, stopAfterTries } from './stop-after.ts';

/** Waits without using the CPU, as a process that the system does not let run. */
const wait = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
describe('stopAfterTries', () => {
  it('gives a function that did not get the CPU another try', () => {
    let tries = 0;
    const act = (): string => {
      if (++tries < 3) wait();
      return 'done';
    };
    expect(stopAfterTries(act, 0.1)).toBe('done');
    expect(tries).toBe(3);
  });

  it('gives up after three tries', () => {
    let tries = 0;
    const act = (): void => {
      tries++;
      wait();
    };
    expect(() => stopAfterTries(act, 0.1)).toThrow(DeadlinePassed);
    expect(tries).toBe(3);
  });

  it('passes on what a function throws', () => {
    const act = (): never => {
      throw new TypeError('no');
    };
    expect(() => stopAfterTries(act, 1)).toThrow(TypeError);
    expect(() => stopAfter(act, 1)).toThrow('no');
  });
});
