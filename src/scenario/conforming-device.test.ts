import { describe, expect, it } from 'vitest';
import { decodeDevice } from './decode-scenario.ts';
import { isConforming, isPutRightByRelocation } from './conforming-device.ts';

const BARS = [
  { index: 0, size: '0x4000', type: 'mem32' },
  { index: 2, size: '0x100', type: 'io' },
];
const MSIX = { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' };
const judge = (parts: object) => isConforming(decodeDevice({ id: 'dev0', bars: BARS, msix: MSIX, ...parts }));
const withMsix = (parts: object) => judge({ msix: { ...MSIX, ...parts } });

describe('isConforming', () => {
  it.each<[string, object]>([
    ['with table and PBA in one BAR', {}],
    ['without MSI-X', { msix: undefined }],
    ['whose table ends with its BAR', { msix: { ...MSIX, tableOffset: '0x3fe0' } }],
    ['with x-no-mmap', { options: { 'x-no-mmap': true } }],
    ['with x-msix-relocation=off', { options: { 'x-msix-relocation': 'off' } }],
  ])('accepts a device %s', (_, parts) => {
    expect(judge(parts)).toBe(true);
  });

  it.each<[string, object]>([
    ['with a BAR size that is not a power of two', { bars: [{ index: 0, size: '0x3000', type: 'mem32' }] }],
    ['with sparse areas of the host', { bars: [{ index: 0, size: '0x4000', type: 'mem32', sparse: [] }] }],
    ['with x-msix-relocation=bar0', { options: { 'x-msix-relocation': 'bar0' } }],
  ])('refuses a device %s', (_, parts) => {
    expect(judge(parts)).toBe(false);
  });

  it.each<[string, object]>([
    ['a table one entry too long', { tableOffset: '0x3ff0' }],
    ['a PBA beyond the BAR', { pbaOffset: '0x4000' }],
    ['a table over the PBA', { pbaOffset: '0x2018' }],
    ['a table in a missing BAR', { tableBar: 1 }],
    ['a PBA in an I/O BAR', { pbaBar: 2, pbaOffset: '0x0' }],
    ['a reserved BIR', { pbaBar: 7 }],
  ])('refuses a device with %s', (_, msix) => {
    expect(withMsix(msix)).toBe(false);
  });

  it('accepts a device whose wrong capability is a known erratum', () => {
    const vf = (vendor: string, device: string, size: string, pbaOffset: string) =>
      judge({
        vendor,
        device,
        bars: [{ index: 0, size, type: 'mem64' }],
        msix: { vectors: 32, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset },
      });
    expect(vf('0x1425', '0x5801', '0x2000', '0x8000')).toBe(true);
    expect(vf('0x1425', '0x5901', '0x2000', '0x8000')).toBe(false);
    expect(vf('0x1d22', '0x3685', '0x10000', '0x460000')).toBe(true);
    expect(vf('0x1d22', '0x3684', '0x10000', '0x460000')).toBe(false);
  });
});

describe('isPutRightByRelocation', () => {
  const asked = (target: string, msix: object = { pbaOffset: '0x8000' }, more: object = {}) =>
    isPutRightByRelocation(
      decodeDevice({
        id: 'dev0',
        bars: [...BARS, { index: 3, size: '0x1000', type: 'mem64' }],
        msix: { ...MSIX, ...msix },
        options: { 'x-msix-relocation': target },
        ...more,
      }),
    );

  it.each(['bar0', 'bar1', 'bar3', 'bar5'])('accepts %s for a PBA behind its BAR', (target) => {
    expect(asked(target)).toBe(true);
  });

  it.each<[string, boolean]>([
    ['an I/O BAR', asked('bar2')],
    ['the upper half of a 64-bit BAR', asked('bar4')],
    ['no relocation', asked('off')],
    ['an automatic relocation, which QEMU has for no device', asked('auto')],
    ["a table behind its BAR, which the host's kernel reads", asked('bar0', { tableOffset: '0x8000' })],
    ['a reserved BIR of the PBA', asked('bar0', { pbaBar: 7 })],
    ['a reserved BIR of the table', asked('bar0', { tableBar: 7 })],
    [
      'a 32-bit BAR that cannot grow',
      asked('bar1', {}, { bars: [...BARS, { index: 1, size: '0x80000000', type: 'mem32' }] }),
    ],
    [
      'a BAR whose size is no power of two',
      asked('bar0', {}, { bars: [{ index: 0, size: '0x3000', type: 'mem32' }] }),
    ],
  ])('does not accept %s', (_, isPutRight) => {
    expect(isPutRight).toBe(false);
  });
});
