import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { undoAtExit } from './leave-nothing-behind.ts';

describe('undoAtExit', () => {
  let undone = 0;
  let cancel: () => void;
  const other = (): void => undefined;

  beforeEach(() => {
    vi.useFakeTimers();
    undone = 0;
    cancel = undoAtExit(() => undone++);
  });
  afterEach(() => {
    cancel();
    process.off('SIGINT', other);
    vi.useRealTimers();
  });

  it('gives another listener of the signal time to end what runs, and then undoes it', () => {
    process.on('SIGINT', other);
    process.emit('SIGINT', 'SIGINT');
    vi.advanceTimersByTime(4_000);
    expect(undone).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(undone).toBe(1);
  });

  it('undoes nothing that its owner has ended within this time', () => {
    process.on('SIGINT', other);
    process.emit('SIGINT', 'SIGINT');
    cancel();
    vi.advanceTimersByTime(10_000);
    expect(undone).toBe(0);
  });

  it('leaves alone what starts after the signal, and undoes it at the next one', () => {
    process.on('SIGINT', other);
    process.emit('SIGINT', 'SIGINT');
    let later = 0;
    const cancelLater = undoAtExit(() => later++);
    vi.advanceTimersByTime(10_000);
    expect([undone, later]).toEqual([1, 0]);
    process.emit('SIGINT', 'SIGINT');
    vi.advanceTimersByTime(10_000);
    cancelLater();
    expect([undone, later]).toEqual([1, 1]);
  });

  it('undoes at once where the signal has no other listener, and sends the signal again', () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    process.emit('SIGHUP', 'SIGHUP');
    expect(undone).toBe(1);
    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGHUP');
    kill.mockRestore();
  });
});
