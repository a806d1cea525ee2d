import { describe, expect, it } from 'vitest';
import { explain, explanationText, pictureOf, scenarioOf } from '../index.ts';
import { NIC } from '../testing/texts.ts';
import type { DeviceAnswer } from './explain-device.ts';

const explained = (text: string) => explain([{ name: 'text', text }]);
const deviceIn = (text: string): DeviceAnswer => {
  const [answer] = explained(text).answers;
  if (answer?.kind !== 'device') throw new Error('no device');
  return answer;
};
const withLine = (line: string): string => NIC.replace('\tExpansion ROM', `\t${line}\n\tExpansion ROM`);
const trapped = ({ trapping }: DeviceAnswer) => trapping.map((row) => row.trapped);

describe('explain answers for the BARs that have an address, beside', () => {
  it('an I/O BAR without one', () => {
    const text = withLine('Region 2: I/O ports at <unassigned> [disabled]');
    const answer = deviceIn(text);
    expect(answer.missing).toEqual([]);
    expect(trapped(answer)).toEqual(trapped(deviceIn(NIC)));
    expect(answer.remarks.filter((remark) => remark.includes('BAR 2'))).toHaveLength(1);
    expect(answer.remarks.join()).not.toContain('above 4 GiB');
    expect(scenarioOf(explained(text))!.devices[0]!.bars.map(({ index }) => index)).toEqual([0, 4]);
    expect(pictureOf(explained(text), undefined)).toContain('BAR 4');
  });

  it.each([
    ['Region 2: Memory at <unassigned> (64-bit, prefetchable) [disabled]', true],
    ['Region 2: Memory at <ignored> (32-bit, non-prefetchable)', false],
  ])('%s', (line, isWide) => {
    const answer = deviceIn(withLine(line));
    expect(trapped(answer)).toEqual(trapped(deviceIn(NIC)));
    expect(answer.missing.join()).toContain('the size of BAR 2');
    expect(answer.remarks.join().includes('above 4 GiB')).toBe(isWide);
  });

  it('a ROM without one', () => {
    const text = NIC.replace('Expansion ROM at 80900000', 'Expansion ROM at <unassigned>');
    expect(deviceIn(text)).toEqual(deviceIn(NIC));
  });
});

describe('explain does not answer for', () => {
  it('a device whose only memory BAR has no address', () => {
    expect(
      deviceIn('05:00.0 Ethernet controller: x\n\tRegion 0: Memory at <unassigned> (64-bit)\n').trapping,
    ).toEqual([]);
  });

  it('a table in the BAR that has no address: its bytes are not known', () => {
    const text = NIC.replace(
      'Region 4: Memory at 6004c10000 (64-bit, prefetchable) [size=16K]',
      'Region 4: Memory at <unassigned> (64-bit, prefetchable)',
    );
    expect(deviceIn(text).trapping.map(({ outcome, isBound }) => [outcome, isBound])).toEqual(
      Array.from({ length: 3 }, () => ['ok', true]),
    );
    expect(explanationText(explained(text), 'barproof')).not.toContain('QEMU does not start');
  });

  it('a memory BAR with an address and no size', () => {
    expect(deviceIn(NIC.replace(' [size=16K]', '')).trapping).toEqual([]);
  });
});
