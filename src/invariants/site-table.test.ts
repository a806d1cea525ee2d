import { describe, expect, it } from 'vitest';
import { QEMU_SITES } from './site-table.ts';

const placesAt = (version: number): readonly string[] => QEMU_SITES.map(([, place]) => place(version));

describe('the places in QEMU', () => {
  it.each([205, 211, 502, 600, 800, 802, 900, 1000, 1001, 1101])('have a file at version %i', (version) => {
    for (const place of placesAt(version)) expect(place).toMatch(/\w+\.[ch]\b/);
  });

  it('are in no file that the version does not have', () => {
    expect(placesAt(1000).join()).not.toMatch(/hw\/vfio\/(listener|region)\.c/);
    expect(placesAt(1001).join()).not.toContain('hw/vfio/common.c');
    expect(placesAt(801).join()).not.toContain('system/memory.c');
    expect(placesAt(802).join()).not.toMatch(/(^|,|; )(softmmu\/)?memory\.c/);
  });
});
