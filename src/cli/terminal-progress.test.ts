import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { terminalProgress } from './terminal-progress.ts';

/** A stream that keeps what is written; a terminal of so many columns, or no terminal. */
function stream(columns: number | undefined, isTTY = true) {
  const written: string[] = [];
  const write = (text: string): boolean => {
    written.push(text);
    return true;
  };
  return { stream: { isTTY, columns, write } as unknown as WriteStream, written };
}

const ERASE = '\r\u001B[2K';

describe('terminalProgress', () => {
  it('is nothing where nobody watches', () => {
    const { stream: pipe, written } = stream(undefined, false);
    expect(terminalProgress(pipe)).toBeUndefined();
    expect(written).toEqual([]);
  });

  it('writes one line over the other', () => {
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal)!;
    progress('500 of 1000 cases');
    progress('1000 of 1000 cases');
    expect(written).toEqual([`${ERASE}500 of 1000 cases`, `${ERASE}1000 of 1000 cases`]);
  });

  it('clears the line', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal)!('');
    expect(written).toEqual([ERASE]);
  });

  it('never fills the last column: the terminal would go on to the next line', () => {
    const { stream: terminal, written } = stream(10);
    terminalProgress(terminal)!('0123456789');
    expect(written).toEqual([`${ERASE}012345678`]);
  });

  it('follows the terminal when its width changes', () => {
    const { stream: terminal, written } = stream(10);
    const progress = terminalProgress(terminal)!;
    (terminal as { columns: number }).columns = 5;
    progress('0123456789');
    expect(written).toEqual([`${ERASE}0123`]);
  });

  it.each([[0], [1], [undefined]])(
    'writes the whole line when the terminal says its width is %s',
    (columns) => {
      const { stream: terminal, written } = stream(columns);
      terminalProgress(terminal)!('0123456789');
      expect(written).toEqual([`${ERASE}0123456789`]);
    },
  );

  it('never goes to another line', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal)!('a'.repeat(500));
    expect(written.join('')).not.toContain('\n');
  });
});
