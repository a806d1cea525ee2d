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
  it('writes to a pipe a line now and then', () => {
    let time = 0;
    const { stream: pipe, written } = stream(undefined, false);
    const progress = terminalProgress(pipe, () => time);
    progress('0 of 1000 cases');
    progress.keep('found something');
    expect(written).toEqual([]);
    time = 30_000;
    progress('300 of 1000 cases, 1 finding');
    progress('301 of 1000 cases, 1 finding');
    expect(written).toEqual(['300 of 1000 cases, 1 finding, 10/s, 70 s left\n']);
  });

  it('writes to a pipe as often as the command says', () => {
    let time = 0;
    const { stream: pipe, written } = stream(undefined, false);
    const progress = terminalProgress(pipe, () => time, 10_000);
    for (; time < 30_000; time += 5000) progress(`build ${time / 1000}`);
    expect(written).toEqual(['build 10\n', 'build 20\n']);
  });

  it('tells the rate behind the stages of a build', () => {
    let time = 0;
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal, () => time);
    progress('base cached · 0 of 200 cases');
    time = 10_000;
    progress('base cached · 100 of 200 cases');
    expect(written.at(-1)).toBe(`${ERASE}base cached · 100 of 200 cases, 10/s, 10 s left`);
  });

  it('tells the rate and the time left once they say something', () => {
    let time = 0;
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal, () => time);
    progress('250 of 100000 cases');
    time = 500;
    progress('500 of 100000 cases');
    time = 2000;
    progress('1250 of 100000 cases');
    time = 100_000;
    progress('1260 of 100000 cases');
    expect(written.map((text) => text.replace(ERASE, ''))).toEqual([
      '250 of 100000 cases',
      '500 of 100000 cases',
      '1250 of 100000 cases, 500/s, 3 min left',
      '1260 of 100000 cases, 10/s, 2.7 h left',
    ]);
  });

  it('keeps a line above the progress', () => {
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal, () => 0);
    progress('1 of 9 cases');
    progress.keep('found it');
    expect(written.slice(1)).toEqual([`${ERASE}found it\n`, `${ERASE}1 of 9 cases`]);
  });

  it('writes each line over the one before', () => {
    const { stream: terminal, written } = stream(80);
    const progress = terminalProgress(terminal, () => 0);
    progress('500 of 1000 cases');
    progress('1000 of 1000 cases');
    expect(written).toEqual([`${ERASE}500 of 1000 cases`, `${ERASE}1000 of 1000 cases`]);
  });

  it('clears the line for an empty text', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal, () => 0)('');
    expect(written).toEqual([ERASE]);
  });

  it('cuts a line one column before the width, so that the terminal does not wrap', () => {
    const { stream: terminal, written } = stream(10);
    terminalProgress(terminal, () => 0)('0123456789');
    expect(written).toEqual([`${ERASE}012345678`]);
  });

  it('uses the new width after the terminal is resized', () => {
    const { stream: terminal, written } = stream(10);
    const progress = terminalProgress(terminal, () => 0);
    (terminal as { columns: number }).columns = 5;
    progress('0123456789');
    expect(written).toEqual([`${ERASE}0123`]);
  });

  it.each([[0], [1], [undefined]])('does not cut a line on a terminal with %s columns', (columns) => {
    const { stream: terminal, written } = stream(columns);
    terminalProgress(terminal, () => 0)('0123456789');
    expect(written).toEqual([`${ERASE}0123456789`]);
  });

  it('never writes a newline', () => {
    const { stream: terminal, written } = stream(80);
    terminalProgress(terminal, () => 0)('a'.repeat(500));
    expect(written.join('')).not.toContain('\n');
  });
});
