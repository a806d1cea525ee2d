import { afterEach, describe, expect, it } from 'vitest';
import { doctorText, setTerminalWidth } from '../report/index.ts';
import { asTerminal, noTerminal } from './testing/as-terminal.ts';
import { runInProcess as barproof } from './testing/run-in-process.ts';

const WIDTH = 60;
afterEach(noTerminal);

/** Lines that are too wide, but for a single word, which a user copies. */
const wide = (text: string): string[] =>
  text.split('\n').filter((line) => line.length > WIDTH && /\S {1,}\S/.test(line.trim()));

describe(`in a terminal of ${WIDTH} columns`, () => {
  it.each([
    '',
    'check',
    'explain',
    'host',
    'fuzz',
    'prove',
    'validate',
    'list',
    'cache',
    'bisect-step',
    'doctor',
  ])('the help of "%s" fits', async (command) => {
    asTerminal(WIDTH);
    const { code, out } = await barproof([...(command === '' ? [] : [command]), '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Usage: barproof');
    expect(wide(out).filter((line) => !/^ {2}(?:barproof|git) /.test(line))).toEqual([]);
  });

  it('doctor fits, and puts a long path below the name', () => {
    setTerminalWidth(WIDTH);
    const path = '/home/user/a/folder/for/builds/qemu/bin/qemu-system-x86_64';
    const text = doctorText({
      checks: [
        { name: 'qemu-system-x86_64', state: 'present', detail: `11.1.3 at ${path}, vfio-pci, pc, q35` },
        {
          name: 'Linux arm64-7',
          state: 'optional',
          detail: 'not installed',
          remedy: 'in a checkout, run a command',
        },
      ],
      machines: ['pc', 'q35', 'virt', 'pseries'],
      obstacle: undefined,
    });
    expect(wide(text)).toEqual([]);
    expect(text).toContain(`\n    ${path},`);
  });
});

it('a report on standard output is refused in a sentence', async () => {
  const { code, err } = await barproof(['check', '--runs', '1', '--report', 'junit=-']);
  expect(code).toBe(2);
  expect(err).toContain('expected a file, such as junit=report.junit');
  expect(err).toContain('/dev/stdout');
});
