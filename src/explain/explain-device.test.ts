import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import { findNamedHost } from '../scenario/index.ts';
import { explain, explanationText, scenarioOf } from './index.ts';
import type { DeviceAnswer } from './device/explain-device.ts';
import { BRIDGE, DENIED, DISK_V, NIC, WITHOUT_SIZES } from './testing/texts.ts';

const devicesIn = (text: string, host?: string): readonly DeviceAnswer[] =>
  explain([{ name: 'text', text }], {
    host: host === undefined ? undefined : findNamedHost(host),
  }).answers.filter((answer) => answer.kind === 'device');
const textOf = (text: string): string => explanationText(explain([{ name: 'text', text }]), 'barproof');

const [P4K, P16K, P64K] = [0x1000n, 0x4000n, 0x1_0000n];

describe('explain, for a device with its table at the start of a BAR of 16 KiB', () => {
  const [answer] = devicesIn(NIC);

  it('names the pages that the table takes on 4K, 16K and 64K', () => {
    const table = answer!.spoiled.find(({ what }) => what === 'table')!;
    expect(table.bytes).toEqual({ start: 0n, end: 0x400n });
    expect(table.pages.map(({ hostPageSize, range }) => [hostPageSize, range.end])).toEqual([
      [P4K, 0x1000n],
      [P16K, 0x4000n],
      [P64K, 0x1_0000n],
    ]);
  });

  it('measures what is trapped: the page of the table, and all of a BAR that is no larger than the page', () => {
    expect(
      answer!.trapping.map(({ hostPageSize, outcome, trapped }) => [hostPageSize, outcome, trapped]),
    ).toEqual([
      [P4K, 'ok', 0x1000n],
      [P16K, 'ok', 0x4000n],
      [P64K, 'ok', 0x4000n],
    ]);
    expect(answer!.trapping.every(({ kernels, qemus }) => kernels === 'any' && qemus === 'any')).toBe(true);
  });

  it('tries every x-msix-relocation, and finds one that leaves nothing trapped on 4K', () => {
    const { rows, best } = answer!.relocations!;
    expect(rows).toHaveLength(8);
    expect(rows.find(({ relocation }) => relocation === best)!.trapped[0]).toBe(0n);
    expect(rows.find(({ relocation }) => relocation === 'bar1')!.refused).toContain(
      'consumed by 64-bit BAR 0',
    );
    expect(rows.find(({ relocation }) => relocation === 'auto')!.refused).toContain('No automatic');
  });

  it('measures peer-to-peer: as much as is direct with type1, nothing with an older iommufd, all by dma-buf', () => {
    const bytes = Object.fromEntries(
      answer!.peerToPeer.map(({ iommu, condition, bytes: counts }) => [`${iommu} ${condition}`, counts[0]]),
    );
    expect(bytes).toEqual({
      'type1 any kernel and QEMU': answer!.trapping[0]!.direct,
      'iommufd before Linux 6.19 or QEMU 11': 0n,
      'iommufd Linux 6.19 and QEMU 11, by dma-buf': answer!.trapping[0]!.direct,
    });
  });

  it('says of the BAR below 64K that it has the page to itself by its address', () => {
    expect(answer!.subPage).toEqual([{ index: 4, size: P16K, hostPageSize: P64K, mmappable: true }]);
    const moved = NIC.replace('6004c10000', '6004c14000');
    expect(devicesIn(moved)[0]!.subPage[0]!.mmappable).toBe(false);
  });

  it('is held to the host that the user names', () => {
    const [onLaptop] = devicesIn(NIC, 'laptop-39');
    expect(onLaptop!.pageSizes).toEqual([P4K]);
    expect(onLaptop!.trapping).toHaveLength(1);
  });

  it('becomes a scenario with the same layout', () => {
    const scenario = scenarioOf(explain([{ name: 'text', text: NIC }]))!;
    expect(scenario.devices[0]).toMatchObject({
      name: '0000:05:00.0',
      bars: [{ index: 0, size: 0x40_0000n, type: 'mem64p' }, { index: 4 }],
      msix: { vectors: 64, tableBar: 4, tableOffset: 0n, pbaOffset: 0x2000n },
    });
    expect(scenario.operations.map(({ op }) => op)).toEqual(['set-bar', 'set-bar', 'enable-memory']);
  });
});

describe('explain says what a text about a device leaves open', () => {
  it.each([
    ['the place of the table', DISK_V, /where the MSI-X table and the PBA lie/],
    ['the capabilities', DENIED, /run lspci as root/],
    ['the sizes', WITHOUT_SIZES, /the size of BAR 0, BAR 2/],
    [
      'the BARs',
      'Capabilities: [b0] MSI-X: Enable+ Count=33 Masked-\nVector table: BAR=0 offset=00003000\nPBA: BAR=0 offset=00002000',
      /the device's BARs/,
    ],
    [
      'the width of a BAR of type 3',
      '01:00.0 IDE interface: x\n\tRegion 1: Memory at 000003f0 (type 3, non-prefetchable) [virtual]\n\tCapabilities: [40] Power Management version 3',
      /type 3/,
    ],
    ['a size that no BAR has', NIC.replace('[size=16K]', '[size=3K]'), /the true size of BAR 4/],
    ['a number of vectors that no table has', NIC.replace('Count=64', 'Count=4096'), /4096 is not possible/],
  ])('%s', (_, text, missing) => {
    const [answer] = devicesIn(text);
    expect(answer!.missing.join('\n')).toMatch(missing);
    expect(textOf(text)).toContain('missing: ');
  });

  it('and still names the pages of a table in a BAR of unknown size', () => {
    expect(devicesIn(WITHOUT_SIZES)[0]!.spoiled).toHaveLength(2);
  });

  it('and makes no scenario of it', () => {
    expect(scenarioOf(explain([{ name: 'text', text: WITHOUT_SIZES }]))).toBeUndefined();
  });
});

describe('explain, for a device that QEMU refuses', () => {
  const beyond = NIC.replace('PBA: BAR=4 offset=00002000', 'PBA: BAR=4 offset=00008000');

  it('names the fault and the message of QEMU', () => {
    const [answer] = devicesIn(beyond);
    expect(answer!.spoiled[1]!.fault).toContain('beyond BAR 4');
    expect(answer!.trapping.every(({ outcome }) => outcome === 'rejected')).toBe(true);
    expect(textOf(beyond)).toContain('QEMU does not start with this device');
  });

  it('advises a relocation with which QEMU starts', () => {
    const { best, rows } = devicesIn(beyond)[0]!.relocations!;
    expect(rows.find(({ relocation }) => relocation === best)!.refused).toBeUndefined();
    expect(best).toMatch(/^bar/);
  });
});

describe('explain, for a whole machine', () => {
  const machine = [
    BRIDGE,
    DENIED,
    NIC,
    NIC.replace('05:00.0', '06:00.0').replace('offset=00002000', 'offset=00008000'),
    DISK_V,
    '07:00.0 VGA compatible controller: gone (rev ff) (prog-if ff)\n\t!!! Unknown header type 7f\n',
  ].join('\n');
  const text = textOf(machine);

  it('says how to get all of one device, where the text does not have it', () => {
    expect(text).toContain('lspci -vv -s 06:00.0 | barproof explain -');
    expect(textOf(`${NIC}\n${DISK_V}`)).not.toContain('All of one device');
  });

  it('marks names that are cut', () => {
    const long = NIC.replaceAll('Test NIC', 'Test Network Controller of a long Name');
    expect(textOf(`${long}\n${DISK_V}`)).toMatch(/ Ethernet controller: Example Corporation \w+…  /);
  });

  it('has one table, the worst device first, and leaves bridges out', () => {
    expect(text).toContain('5 devices, the worst first; 1 bridge is left out');
    const rows = text.split('\n').filter((line) => /^(?:\d{4}:)?[0-9a-f]{2}:/.test(line));
    expect(rows[0]).toContain('06:00.0');
    expect(rows[1]).toContain('05:00.0');
    expect(rows.find((row) => row.startsWith('07:00.0'))).toContain('does not answer');
  });

  it('counts a BAR that shares its page with one of another device as trapped', () => {
    const neighbour = NIC.replace('05:00.0', '08:00.0')
      .replace('6004c10000', '6004c18000')
      .replace('6004800000', '6005000000');
    const answers = devicesIn(`${NIC}\n${neighbour}`);
    expect(answers.map(({ subPage }) => subPage[0]!.mmappable)).toEqual([false, false]);
  });
});

describe('explain refuses a text', () => {
  it.each([
    ['that is empty', '\n  \n', 'the text is empty'],
    [
      'that only names devices',
      '05:00.0 Ethernet controller: x\n06:00.0 VGA: y\n',
      'names 2 devices without their BARs',
    ],
    ['of another kind', 'Dear all,\nhello.\n', 'no line that barproof explain knows'],
    ['of random bytes', '\u0000\u0001\ufffd\u001b[31m\u0007', 'no line that barproof explain knows'],
  ])('%s, in one sentence', (_, text, message) => {
    expect(() => explain([{ name: 'text', text }])).toThrow(InvalidInput);
    expect(() => explain([{ name: 'text', text }])).toThrow(message);
  });
});
