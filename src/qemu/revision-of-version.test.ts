import { describe, expect, it } from 'vitest';
import { revisionOfVersion, whyNotOfModel } from './revision-of-version.ts';

describe('revisionOfVersion', () => {
  it.each([
    ['2.11.1', 'qemu-2.11'],
    ['2.12.0', 'qemu-2.12'],
    ['5.2.0', 'qemu-2.12'],
    ['6.0.0', 'qemu-6.0'],
    ['9.2.4', 'qemu-6.0'],
    ['10.0.13', 'qemu-6.0'],
    ['11.1.3', 'qemu-11.1'],
    ['5.2.50', 'qemu-6.0'],
    ['9.2.94', 'qemu-6.0'],
    ['11.0.90', 'qemu-11.1'],
    ['11.1.50', 'qemu-11.1'],
    ['11.1.90', 'qemu-11.1'],
  ])('holds QEMU %s to %s', (version, id) => {
    expect(revisionOfVersion(version)!.id).toBe(id);
    expect(whyNotOfModel(version)).toBeUndefined();
  });

  it.each(['1.11.1', '2.10.0', '10.1.0', '10.2.0', '11.0.1', '11.2.0', '11.10.0'])(
    'holds QEMU %s to none, and says so',
    (version) => {
      expect(revisionOfVersion(version)).toBeUndefined();
      expect(whyNotOfModel(version)).toBe(
        `the model describes QEMU 2.11 to 10.0 and 11.1, this is QEMU ${version}`,
      );
    },
  );

  it.each([
    ['10.0.50', '10.1'],
    ['10.0.94', '10.1'],
    ['10.2.50', '11.0'],
  ])('holds QEMU %s to none, for it is of the development of %s, and says so', (version, release) => {
    expect(revisionOfVersion(version)).toBeUndefined();
    expect(whyNotOfModel(version)).toMatch(
      new RegExp(`, this is QEMU ${version}, of the development of ${release}$`),
    );
  });

  it('adds what releases between two revisions brought', () => {
    const rules = (version: string) => {
      const { device, machine } = revisionOfVersion(version)!;
      const kunlun = device.correctPbaOffset(0x1d22, 0x3685) !== undefined;
      return [machine.xive, device.toleratesPbaBeyondBarWhenRelocated, kunlun, machine.checksPhysBits];
    };
    expect(rules('3.0.0')).toEqual([false, false, false, false]);
    expect(rules('3.1.0')).toEqual([true, false, false, false]);
    expect(rules('5.2.0')).toEqual([true, true, false, false]);
    expect(rules('6.1.0')).toEqual([true, true, true, false]);
    expect(rules('7.2.22')).toEqual([true, true, true, true]);
    const later = (version: string) => {
      const { memslots, iommus, device, pci } = revisionOfVersion(version)!;
      const aligned = device.mmapAlignment(1n << 24n, 0x1000n) === 1n << 24n;
      return [memslots.update, iommus.includes('iommufd'), aligned, pci.decodesOutsideD0];
    };
    expect(later('7.2.22')).toEqual(['immediately', false, false, true]);
    expect(later('8.0.0')).toEqual(['at-commit', false, false, true]);
    expect(later('9.0.0')).toEqual(['at-commit', true, false, true]);
    expect(later('9.2.0')).toEqual(['at-commit', true, true, true]);
    expect(later('9.2.50')).toEqual(later('10.0.13'));
    expect(later('10.0.13')).toEqual(['at-commit', true, true, false]);
    const refusal = (version: string) => revisionOfVersion(version)!.device.hotplugMsixRefusal;
    expect(['2.11.2', '2.12.0', '5.2.0', '8.0.5', '8.1.0', '9.2.4', '11.1.3'].map(refusal)).toEqual([
      'reported',
      'crash',
      'crash',
      'crash',
      'reported',
      'reported',
      'reported',
    ]);
  });
});
