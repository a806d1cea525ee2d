import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../input/index.ts';
import { answerDeadline, withinDeadline } from './answer-deadline.ts';
import { QemuHangs } from './qemu-error.ts';

describe('answerDeadline', () => {
  it.each([
    [undefined, 20_000],
    ['', 20_000],
    ['60', 60_000],
    ['0.5', 500],
    ['3600', 3_600_000],
  ])('is in milliseconds what BARPROOF_QEMU_DEADLINE=%s says in seconds', (seconds, milliseconds) => {
    expect(answerDeadline({ BARPROOF_QEMU_DEADLINE: seconds })).toBe(milliseconds);
  });

  it.each(['0', '-1', '3601', 'long', '1e9', ' 5'])('refuses %j', (seconds) => {
    const deadline = () => answerDeadline({ BARPROOF_QEMU_DEADLINE: seconds });
    expect(deadline).toThrow(InvalidInput);
    expect(deadline).toThrow('BARPROOF_QEMU_DEADLINE');
    expect(deadline).toThrow('above 0 and at most 3600');
  });
});

describe('withinDeadline', () => {
  it('gives the result, or the error, of a promise that is settled in time', async () => {
    await expect(withinDeadline(Promise.resolve(1), 'x', 1000)).resolves.toBe(1);
    await expect(withinDeadline(Promise.reject(new Error('own')), 'x', 1000)).rejects.toThrow('own');
  });

  it('throws QemuHangs with what was awaited, and for how long', async () => {
    const late = withinDeadline(new Promise(() => undefined), 'the copy of a page', 20);
    await expect(late).rejects.toThrow(QemuHangs);
    await expect(late).rejects.toThrow('QEMU did not answer for 0.02 s at the copy of a page');
  });
});
