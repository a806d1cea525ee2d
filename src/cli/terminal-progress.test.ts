import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { terminalProgress } from './terminal-progress.ts';

/** A stream that records what is written: a terminal with this width in columns, or a pipe. */
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
  it('is undefined for a pipe', () => {
    const { stream: pipe, written } = stream(undefined, false);
    expect(terminalProgress(pipe)).toBeUndefined();
    expect(written).toEqual([]);
  });

  it('writes each line over the one before', () => {
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal)!;
    progress('500 of 1000 cases');
    progress('1000 of 1000 cases');
    expect(written).toEqual([`${ERASE}500 of 1000 cases`, `${ERASE}1000 of 1000 cases`]);
  });

  it('clears the line for an empty text', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal)!('');
    expect(written).toEqual([ERASE]);
  });

  it('cuts a line one column before the width, so that the terminal does not wrap', () => {
    const { stream: terminal, written } = stream(10);
    terminalProgress(terminal)!('0123456789');
    expect(written).toEqual([`${ERASE}012345678`]);
  });

  it('uses the new width after the terminal is resized', () => {
    const { stream: terminal, written } = stream(10);
    const progress = terminalProgress(terminal)!;
    (terminal as { columns: number }).columns = 5;
    progress('0123456789');
    expect(written).toEqual([`${ERASE}0123`]);
  });

  it.each([[0], [1], [undefined]])('does not cut a line on a terminal with %s columns', (columns) => {
    const { stream: terminal, written } = stream(columns);
    terminalProgress(terminal)!('0123456789');
    expect(written).toEqual([`${ERASE}0123456789`]);
  });

  it('never writes a newline', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal)!('a'.repeat(500));
    expect(written.join('')).not.toContain('\n');
  });
});
