import { afterEach, describe, expect, it, vi } from 'vitest';
import { withInterrupt } from './interrupt.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const listeners = (): number => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

describe('withInterrupt', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('aborts the signal of the action at the first %s', async (name) => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const seen: boolean[] = [];
    await withInterrupt(async (signal) => {
      seen.push(signal.aborted);
      process.emit(name, name);
      seen.push(signal.aborted);
    });
    expect(seen).toEqual([false, true]);
    expect(exit).not.toHaveBeenCalled();
  });

  it('ends the program with exit code 130 at the second SIGINT', async () => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    await withInterrupt(async () => {
      process.emit('SIGINT', 'SIGINT');
      process.emit('SIGINT', 'SIGINT');
    });
    expect(exit.mock.calls).toEqual([[130]]);
  });

  it('removes its listeners when the action returns or throws', async () => {
    const before = listeners();
    await withInterrupt(async () => expect(listeners()).toBe(before + 2));
    expect(listeners()).toBe(before);
    await expect(withInterrupt(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(listeners()).toBe(before);
  });
});
