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

  it('is any other text as it is', () => {
    expect(comparableError('invalid MSI-X BIR')).toBe('invalid MSI-X BIR');
    expect(comparableError(undefined)).toBeUndefined();
  });
});
