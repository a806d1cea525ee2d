import { describe, expect, it } from 'vitest';
import { comparableError } from './error-text.ts';

const OF_MODEL =
  'memory listener initialization failed for container: Region pc.ram: vfio_dma_map(0x0, 0xa0000) = -22 (EINVAL)';
const OF_QEMU =
  'vfio dev0: failed to setup container for group 0: memory listener initialization failed: Region pc.ram: ' +
  'vfio_container_dma_map(0x55d0, 0x0, 0xa0000, 0x7f1700000000) = -22 (Invalid argument)';

describe('comparableError', () => {
  it('is the same for a refused map of RAM on the model and on a real QEMU', () => {
    expect(comparableError(OF_MODEL)).toBe('cannot map pc.ram at 0x0 with 0xa0000 bytes: -22');
    expect(comparableError(OF_QEMU)).toBe(comparableError(OF_MODEL));
  });

  it.each([
    ['region', ['pc.ram', 'pc.bios']],
    ['address', ['0x55d0, 0x0', '0x55d0, 0x1000']],
    ['size', ['0xa0000', '0xb0000']],
    ['error', ['-22', '-28']],
  ] as const)('differs with another %s', (_, [from, to]) => {
    expect(comparableError(OF_QEMU.replace(from, to))).not.toBe(comparableError(OF_MODEL));
  });

  it.each([
    [
      'of 5.2 to 11.1',
      'vfio 0000:01:00.0: failed to setup container for group 0: Failed to set group container: No such device',
    ],
    ['of the model', 'vfio 0000:01:00.0: Failed to set group container: No such device'],
  ])('is the device and the reason of a refused container, in words %s', (_, text) => {
    expect(comparableError(text)).toBe('vfio 0000:01:00.0: Failed to set group container: No such device');
  });

  it('leaves descriptors and ids out of a refused attach with iommufd', () => {
    const text =
      'vfio 0000:01:00.0: [iommufd=19] error attach 0000:01:00.0 (18) pasid 0 to id=3: Bad address';
    expect(comparableError(text)).toBe('vfio 0000:01:00.0: error attach: Bad address');
    expect(comparableError(text.replace('Bad address', 'Invalid argument'))).not.toBe(comparableError(text));
  });

  it('is any other text as it is', () => {
    expect(comparableError('invalid MSI-X BIR')).toBe('invalid MSI-X BIR');
    expect(comparableError(undefined)).toBeUndefined();
  });
});
