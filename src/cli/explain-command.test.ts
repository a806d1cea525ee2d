import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BRIDGE, configBytes, DENIED, FLAT, NIC } from '../explain/testing/texts.ts';
import { decodeScenario } from '../scenario/index.ts';
import { runInProcess } from './testing/run-in-process.ts';

const here = mkdtempSync(join(tmpdir(), 'barproof-explain-'));
afterAll(() => rmSync(here, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(here, name);
  writeFileSync(path, content);
  return path;
};
const nic = put('nic.txt', NIC);

describe('barproof explain', () => {
  it('explains a file', async () => {
    const { code, out, err } = await runInProcess(['explain', nic]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('table  BAR 4  0x0-0x3ff');
    expect(out).toContain('Best: x-msix-relocation=');
  });

  it('reads no more of standard input than a text can have', async () => {
    const { code, err } = await runInProcess(['explain', '-'], 'x\n'.repeat(5_000_000));
    expect({ code, err }).toEqual({ code: 2, err: '✖ standard input has more than 8388608 bytes\n' });
  });

  it('explains standard input, and the words of a line that the user types', async () => {
    expect((await runInProcess(['explain', '-'], NIC)).out).toContain('05:00.0');
    const line =
      'vfio_container_dma_map(0x55d1, 0x380000001000, 0x3000, 0x7f4d94c13000) = -22 (Invalid argument)';
    expect((await runInProcess(['explain', line])).out).toContain('limit     IOMMU width');
  });

  it('reads a raw configuration space, named by its device, and text of Windows', async () => {
    const config = put('0000:01:00.0', configBytes());
    expect((await runInProcess(['explain', config])).out).toMatch(/^0000:01:00\.0 \[1234:5678\]\n/);
    const wide = put('wide.txt', Buffer.from(`\ufeff${NIC}`, 'utf16le'));
    expect((await runInProcess(['explain', wide])).out).toContain('05:00.0');
  });

  it('reads the quotes of Windows-1252', async () => {
    const text = 'pci 0000:01:00.0: BAR 2 [mem size 0x400000000 64bit pref]: can\u0092t assign; no space\n';
    const file = put('quotes.txt', Buffer.from(text, 'latin1'));
    expect((await runInProcess(['explain', file])).out).toContain('limit     PCI window');
  });

  it('reads the folder of a device in sysfs, and a folder of such folders', async () => {
    const devices = join(here, 'devices');
    const device = join(devices, '0000:02:00.0');
    mkdirSync(device, { recursive: true });
    writeFileSync(join(device, 'config'), configBytes());
    writeFileSync(
      join(device, 'resource'),
      `0x0000000050000000 0x000000005000ffff 0x000000000014220c\n${'0x0000000000000000 0x0000000000000000 0x0000000000000000\n'.repeat(12)}`,
    );
    writeFileSync(join(device, 'vendor'), '0x1234\n');
    writeFileSync(join(device, 'device'), '0x5678\n');
    symlinkSync('../../drivers/vfio-pci', join(device, 'driver'));
    for (const folder of [device, devices]) {
      const { code, out } = await runInProcess(['explain', folder]);
      expect(code).toBe(0);
      expect(out).toContain('BAR 0  64 KiB  64-bit, prefetchable  at 0x50000000');
      expect(out).toContain('driver vfio-pci');
      expect(out).toContain('table  BAR 0  0x2000-0x208f');
    }
  });

  it('writes the scenario that it made, which replays, and the picture', async () => {
    const [scenario, svg] = [join(here, 'made.json'), join(here, 'map.svg')];
    const { code } = await runInProcess([
      'explain',
      nic,
      '--scenario',
      scenario,
      '--svg',
      svg,
      '--host',
      'laptop-39',
    ]);
    expect(code).toBe(0);
    expect(decodeScenario(JSON.parse(readFileSync(scenario, 'utf8'))).machine.cpu?.physBits).toBe(39);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [^]*MSI-X table[^]*<\/svg>\n$/);
    expect((await runInProcess(['replay', scenario])).code).toBe(0);
  });

  it('prints JSON with hex strings', async () => {
    const { out } = await runInProcess(['explain', nic, '--json']);
    const { answers } = JSON.parse(out) as {
      answers: { kind: string; device: { bars: { size: string }[] } }[];
    };
    expect(answers[0]).toMatchObject({
      kind: 'device',
      device: { bars: [{ size: '0x400000' }, { size: '0x4000' }] },
    });
  });

  it('draws a dump, and the refused map of a log', async () => {
    const svg = join(here, 'other.svg');
    await runInProcess(['explain', put('flat.txt', FLAT), '--svg', svg]);
    expect(readFileSync(svg, 'utf8')).toContain('The view of');
    const line = 'vfio_dma_map(0x1, 0x380000001000, 0x3000, 0x7f4d94c13000) = -22 (Invalid argument)';
    await runInProcess(['explain', put('log.txt', line), '--svg', svg]);
    expect(readFileSync(svg, 'utf8')).toContain('class="mark-wrong"');
  });

  it('draws no emulated device as a passed-through one, although it has an MSI-X table', async () => {
    const svg = join(here, 'emulated.svg');
    const emulated = FLAT.split('\n')
      .filter((line) => !line.includes('ramd'))
      .join('\n');
    await runInProcess(['explain', put('emulated.txt', emulated), '--svg', svg]);
    expect(readFileSync(svg, 'utf8')).toContain('no region of a passed-through device');
  });

  it.each([
    ['picture', '--svg', 'no file was written'],
    ['scenario', '--scenario', 'no device with the sizes'],
  ])('says what the text means although it cannot write the %s', async (name, option, message) => {
    const file = join(here, `nothing.${name}`);
    const { code, out, err } = await runInProcess(['explain', put('bridge.txt', BRIDGE), option, file]);
    expect(code).toBe(2);
    expect(out).toContain('a bridge');
    expect(err).toContain(message);
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ['a file that does not exist', ['missing.txt'], 'there is no such file'],
    [
      'words that are no file',
      ['hello world'],
      'hello world: the text has no line that barproof explain knows',
    ],
    ['blanks', ['  '], 'the text is empty'],
    ['no words', [''], 'the text is empty'],
    ['a folder without a device', [here], 'no device of sysfs'],
    ['an empty text', [put('empty.txt', '')], 'the text is empty'],
    ['a host that does not exist', [nic, '--host', 'laptop-93'], 'did you mean laptop-39?'],
  ])('ends with exit code 2 and one line for %s', async (_, words, message) => {
    const { code, out, err } = await runInProcess(['explain', ...words]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says the same of words, standard input and a file', async () => {
    for (const text of ['hello world', 'VFIO_MAP_DMA: -12', 'x y', '{ "a": 1 }']) {
      const file = put('words.txt', text);
      const answers = [];
      for (const [name, words, input] of [
        [text, [text], ''],
        ['standard input', ['-'], text],
        [file, [file], ''],
      ] as const) {
        const { code, out, err } = await runInProcess(['explain', ...words], input);
        answers.push([
          code,
          out,
          err.replaceAll(`✖ ${name}: `, '').replace('; and no file has this name', ''),
        ]);
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    }
  });

  it('prints nothing that commands a terminal', async () => {
    const hostile = DENIED.replace('Example', '\u001b]0;title\u0007\u202eExample\u009b31m');
    const log = `Failed to mmap \u001b[2J\u202e0000:01:00.0 BAR 2. Performance may be slow`;
    for (const text of [hostile, log, FLAT.replaceAll('pc.ram', 'pc\u001b[31m.ram')]) {
      const { out } = await runInProcess(['explain', '-'], text);
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  });
});
