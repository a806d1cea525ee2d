import { describe, expect, it } from 'vitest';
import { form10, form11, form2_11, form4_1, form5_1, form7_0, mtreeFormOf } from './mtree-form.ts';

describe('mtreeFormOf', () => {
  it.each([
    ['2.11', form2_11],
    ['3.0.1', form2_11],
    ['4.2.1', form4_1],
    ['6.2.0', form5_1],
    ['7.2.22', form7_0],
    ['10.2.0', form10],
    ['11.1.3', form11],
    ['12.0', form11],
  ])('gives the form that QEMU %s prints', (version, form) => {
    expect(mtreeFormOf(version)).toBe(form);
  });

  it('refuses QEMU 2.10, whose form is not known', () => {
    expect(() => mtreeFormOf('2.10.2')).toThrow(new RangeError('QEMU 2.10.2 is older than 2.11'));
  });
});
