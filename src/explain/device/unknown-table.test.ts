import { describe, expect, it } from 'vitest';
import {
  explain,
  explanationJson,
  explanationText,
  pictureOf,
  scenarioOf,
  assumedInScenario,
} from '../index.ts';
import { DENIED, DISK_V, NIC } from '../testing/texts.ts';
import type { DeviceAnswer } from './explain-device.ts';

const explained = (text: string) => explain([{ name: 'text', text }]);
const deviceIn = (text: string): DeviceAnswer => {
  const [answer] = explained(text).answers;
  if (answer?.kind !== 'device') throw new Error('no device');
  return answer;
};
const rowsOf = ({ trapping }: DeviceAnswer) =>
  trapping.map(({ outcome, trapped, direct, isBound }) => [outcome, trapped, direct, isBound]);

const [KIB, MIB] = [1n << 10n, 1n << 20n];
const WITHOUT_PBA = NIC.replace('\t\tPBA: BAR=4 offset=00002000\n', '');

describe('explain, for a table whose PBA the text does not show,', () => {
  it('measures the same as with the PBA: the pages of a PBA stay direct', () => {
    const answer = deviceIn(WITHOUT_PBA);
    expect(rowsOf(answer)).toEqual([
      ['ok', 4n * KIB, 4n * MIB + 12n * KIB, false],
      ['ok', 16n * KIB, 4n * MIB, false],
      ['ok', 16n * KIB, 4n * MIB, false],
    ]);
    expect(rowsOf(answer)).toEqual(rowsOf(deviceIn(NIC)));
    expect(answer.relocations).toEqual(deviceIn(NIC).relocations);
  });

  it('says that the place of the PBA is unknown, and draws none', () => {
    expect(explanationText(explained(WITHOUT_PBA), 'barproof')).toContain('Where the PBA lies is unknown');
    expect(explanationText(explained(WITHOUT_PBA), 'barproof')).not.toContain('QEMU dies');
    const svg = pictureOf(explained(WITHOUT_PBA), undefined)!;
    expect(svg).toContain('place of the PBA is unknown');
    expect(svg).not.toContain('>PBA<');
    expect(pictureOf(explained(NIC), undefined)).toContain('>PBA<');
  });

  it.each([
    ['behind the table', 'offset=00000000', 0x400n],
    ['before a table at the end of its BAR', 'offset=00003c00', 0n],
  ])('puts the PBA of the scenario %s, and says so', (_, at, pbaOffset) => {
    const text = WITHOUT_PBA.replace('offset=00000000', at);
    expect(scenarioOf(explained(text))!.devices[0]!.msix).toMatchObject({
      tableBar: 4,
      pbaBar: 4,
      pbaOffset,
    });
    expect(assumedInScenario(explained(text))).toContain('the PBA at BAR 4+');
    expect(assumedInScenario(explained(NIC))).toBeUndefined();
  });
});

describe('explain, for a table whose place the text does not show,', () => {
  it('names the only BAR into which the table fits, and the least that is trapped', () => {
    const answer = deviceIn(DISK_V);
    expect(answer.tableBars).toEqual([0]);
    expect(rowsOf(answer)).toEqual([
      ['ok', 4n * KIB, 12n * KIB, true],
      ['ok', 16n * KIB, 0n, false],
      ['ok', 16n * KIB, 0n, false],
    ]);
    const text = explanationText(explained(DISK_V), 'barproof');
    expect(text).toContain('fits into BAR 0 alone');
    expect(text).toMatch(/4 KiB +any +any +at least 4 KiB +at most 12 KiB +\?/);
  });

  it('names all BARs with room, and takes the one that loses least', () => {
    const answer = deviceIn(
      DISK_V.replace('I/O ports at 3000 [size=256]', 'Memory at 80700000 (32-bit) [size=8K]'),
    );
    expect(answer.tableBars).toEqual([0, 2]);
    expect(rowsOf(answer)).toEqual([
      ['ok', 4n * KIB, 20n * KIB, true],
      ['ok', 8n * KIB, 16n * KIB, true],
      ['ok', 8n * KIB, 16n * KIB, true],
    ]);
  });

  it('says nothing of a table where the BARs are too small for it', () => {
    const answer = deviceIn(DISK_V.replace('size=16K', 'size=512'));
    expect(answer.tableBars).toEqual([]);
    expect(explanationText(explained(DISK_V.replace('size=16K', 'size=512')), 'barproof')).toContain('?');
  });

  it('makes a scenario with the table in that BAR, and says what is assumed', () => {
    expect(scenarioOf(explained(DISK_V))!.devices[0]!.msix).toMatchObject({ vectors: 33, tableBar: 0 });
    expect(assumedInScenario(explained(DISK_V))).toContain('the table at BAR 0+');
  });

  it('says in the picture that the place is unknown', () => {
    const svg = pictureOf(explained(DISK_V), undefined)!;
    expect(svg).not.toContain('Every byte');
    expect(svg).toContain('The place of the MSI-X table is unknown');
  });
});

describe('explain, for capabilities that the user may not read,', () => {
  it('claims no number of trapped bytes', () => {
    const text = explanationText(explained(DENIED), 'barproof');
    expect(text).toMatch(/4 KiB +any +any +\? +\? +\?/);
    expect(text).not.toContain('0 bytes');
    expect(JSON.parse(explanationJson(explained(DENIED)))).toMatchObject({
      answers: [{ trapping: [{ isBound: true }, { isBound: true }, { isBound: true }] }],
    });
    expect(pictureOf(explained(DENIED), undefined)).not.toContain('Every byte');
    expect(assumedInScenario(explained(DENIED))).toContain('without MSI-X');
  });
});

it('a device whose trapped bytes are not known ranks behind those that are', () => {
  const rows = explanationText(explained(`${DISK_V}\n${DENIED}\n${WITHOUT_PBA}`), 'barproof')
    .split('\n')
    .slice(3, 6);
  expect(rows.map((row) => row.split(' ')[0])).toEqual(['05:00.0', '0000:02:00.0', '98:1f.2']);
  expect(rows[1]).toContain('at least 4 KiB');
});
