import { mkdtempSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import { SystemCallError } from '../vfio-user/index.ts';
import { problemsOf } from './unexpected-error.ts';

const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

const messageOf = (error: unknown): string => problemsOf(error)[0]!.message;

describe('problemsOf', () => {
  it('asks to report an unexpected error, and names version, error and place', () => {
    const message = messageOf(thrownBy(() => (undefined as unknown as { x: number }).x));
    expect(message).toMatch(
      /^internal error, please report this line and your command \(barproof \S+, Node /,
    );
    expect(message).toMatch(
      /: TypeError: Cannot read .*, at src\/cli\/unexpected-error\.test\.ts(\?\S+)?:\d+$/,
    );
  });

  it('tells the causes of an error, and the place of the first', () => {
    const message = messageOf(new Error('outer', { cause: new RangeError('inner') }));
    expect(message).toMatch(/Error: outer, because of RangeError: inner, at src/);
  });

  it('survives an error that is its own cause, and a thrown value that is no error', () => {
    const error = new Error('round');
    error.cause = error;
    expect(messageOf(error)).toMatch(/Error: round, at src/);
    expect(messageOf('text')).toMatch(/: text$/);
    expect(messageOf(undefined)).toMatch(/^internal error/);
  });

  it('tells the problems of an input that is the cause of an error', () => {
    const cause = new InvalidInput([{ path: 'a.json', message: 'no' }]);
    expect(problemsOf(new Error('outer', { cause }))).toEqual(cause.problems);
  });

  it('tells at most 1000 characters of an error', () => {
    expect(messageOf(new Error('x'.repeat(100_000)))).toMatch(/: Error: x{993}…, at src/);
  });

  it.each([
    ['EMFILE', 'this process may open no more files; raise the limit with ulimit -n (EMFILE: a, open)'],
    ['ENOSPC', 'the disk is full (ENOSPC: a, open)'],
  ])('tells the cause of the system error %s, and does not ask to report it', (code, message) => {
    const error = Object.assign(new Error(`${code}: a, open`), { code, syscall: 'open' });
    expect(messageOf(new Error('outer', { cause: error }))).toBe(message);
  });

  it('tells the cause of a failed system call of the vfio-user server', () => {
    expect(messageOf(new SystemCallError('socket', 24, 'a'))).toBe(
      'this process may open no more files; raise the limit with ulimit -n (socket: EMFILE (a))',
    );
  });

  it('asks to report a system error that has no known cause', () => {
    expect(messageOf(thrownBy(() => openSync('/nowhere/at/all', 'r')))).toMatch(/^internal error/);
    expect(messageOf(thrownBy(() => mkdtempSync('/nowhere/at/all')))).toMatch(/^internal error/);
  });
});
