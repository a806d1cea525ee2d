import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cpioArchive } from './cpio.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('cpioArchive', () => {
  const archive = cpioArchive([
    { path: 'init', data: text('#!x\n'), executable: true },
    { path: 'modules' },
    { path: 'modules/order', data: text('12345') },
  ]);

  it('begins with the magic of newc, and its length is a multiple of four', () => {
    expect(archive.length % 4).toBe(0);
    expect(Buffer.from(archive.subarray(0, 6)).toString()).toBe('070701');
  });

  it('has headers, names and contents at the offsets of the newc format', () => {
    const words = Buffer.from(archive).toString('latin1');
    expect(words.slice(6, 22)).toBe('00000001000081ed');
    expect(words.slice(110, 116)).toBe('init\0\0');
    expect(words.slice(116, 120)).toBe('#!x\n');
    expect(words).toContain(['12345', '070701'].join('\0\0\0'));
    expect(words.endsWith('TRAILER!!!\0'.padEnd(14, '\0'))).toBe(true);
  });

  it('has the same bytes for the same entries', () => {
    const again = cpioArchive([{ path: 'a' }]);
    expect(again).toEqual(cpioArchive([{ path: 'a' }]));
  });

  it.skipIf(!hasCpio())('is listed by the program cpio, with the modes of its files', () => {
    const list = execFileSync('cpio', ['-tv', '--quiet'], { input: archive }).toString();
    expect(list).toMatch(
      /-rwxr-xr-x.* 4 .* init\n.*drwxr-xr-x.* modules\n.*-rw-r--r--.* 5 .* modules\/order\n/,
    );
  });
});

function hasCpio(): boolean {
  try {
    execFileSync('cpio', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
