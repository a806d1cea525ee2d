import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCChange } from './patch-source.ts';

const DIFF = '--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -1 +1 @@\n-x\n+y\n';
const MODEL = "export default definePatch({ base: 'qemu-11.1' });\n";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-source-'));
  writeFileSync(join(folder, 'fix.patch'), DIFF);
  writeFileSync(join(folder, 'c.txt'), DIFF);
  writeFileSync(join(folder, 'rule.ts'), MODEL);
  writeFileSync(join(folder, 'damaged.patch'), DIFF.replace('+y\n', ''));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

describe('readCChange', () => {
  it.each(['fix.patch', 'c.txt'])('takes %s for C by its content', (name) => {
    expect(readCChange(at(name), {})).toMatchObject({ series: { patches: [{}] } });
  });

  it('leaves a patch file of the model to the model', () => {
    expect(readCChange(at('rule.ts'), {})).toBeUndefined();
    expect(readCChange(at('missing.ts'), {})).toBeUndefined();
    expect(readCChange(at('missing'), {})).toBeUndefined();
  });

  it('takes two revisions for a range of commits', () => {
    expect(readCChange('v10.2.0..my-branch', {})).toEqual({
      range: 'v10.2.0..my-branch',
      from: 'v10.2.0',
      to: 'my-branch',
    });
    expect(readCChange('v10.2.0..', {})).toMatchObject({ from: 'v10.2.0', to: 'HEAD' });
    expect(readCChange('../missing.ts', {})).toBeUndefined();
  });

  it.each([
    [
      '--qemu-tree with a patch file of the model',
      'rule.ts',
      { qemuTree: '/x' },
      '--qemu-tree: is for patches in C',
    ],
    ['--onto with a patch file of the model', 'rule.ts', { onto: 'HEAD' }, '--onto: is for patches in C'],
    [
      'a damaged patch',
      'damaged.patch',
      {},
      'damaged.patch: b/hw/vfio/pci.c: the diff ends inside of the hunk',
    ],
  ])('refuses %s', (_, name, options, message) => {
    expect(() => readCChange(at(name), options)).toThrow(message);
  });

  it('refuses --onto with a range, which names its base', () => {
    expect(() => readCChange('a..b', { onto: 'c' })).toThrow('a..b names its base itself');
  });
});
