import { describe, expect, it } from 'vitest';
import type { PatchOnTree } from '../validate/index.ts';
import { isUnreached } from '../validate/index.ts';
import { treeLines, unreachedText } from './tree-lines.ts';

const TREE: PatchOnTree = {
  subject: 'hw/vfio: what it does',
  files: ['hw/vfio/pci.c', 'hw/vfio/ap.c', 'hw/vfio/pci.h'],
  base: 'v10.2.0',
  configuration: 'few devices',
  objects: 3,
  functions: [
    { file: 'hw/vfio/pci.c', name: 'one', runs: 12 },
    { file: 'hw/vfio/pci.c', name: 'two', runs: 0 },
    { file: 'hw/vfio/ap.c', name: 'three', runs: 'not compiled' },
    { file: 'hw/vfio/spapr.c', name: 'four', runs: 'not compiled', compiledFor: ['ppc64'] },
  ],
  runs: 30,
  outside: ['hw/vfio/pci.h'],
};

describe('treeLines', () => {
  it('tells the patch, its base, and what became of each changed function', () => {
    expect(treeLines(TREE)).toEqual([
      'patch    hw/vfio: what it does',
      'files    hw/vfio/pci.c, hw/vfio/ap.c, hw/vfio/pci.h',
      'base     v10.2.0, built with few devices; 3 objects compiled for the patch',
      'changed  one (hw/vfio/pci.c): exercised in 12 of 30 runs',
      '         two (hw/vfio/pci.c): never reached',
      '         three (hw/vfio/ap.c): not compiled here',
      '         four (hw/vfio/spapr.c): not compiled here; --target-list ppc64 compiles it',
      '         outside of functions: hw/vfio/pci.h; whether a case comes to it is not known',
    ]);
  });

  it('tells which cases were drawn because functions ran seldom', () => {
    expect(treeLines({ ...TREE, further: { cases: 33, functions: ['two', 'five'] } }).at(-1)).toBe(
      'further  33 cases of other hosts and machines, because few of the first came to two, five',
    );
  });

  it('is empty for a verdict without a tree', () => {
    expect(treeLines(undefined)).toEqual([]);
  });

  it('names few of many', () => {
    const functions = Array.from({ length: 30 }, (_, index) => ({ file: 'a.c', name: `f${index}`, runs: 1 }));
    const files = functions.map(({ name }) => `${name}.c`);
    const lines = treeLines({ ...TREE, functions, files });
    expect(lines).toContain('         and 10 more functions');
    expect(lines[1]).toMatch(/f7\.c and 22 more$/);
  });

  it('lets a subject command no terminal', () => {
    expect(treeLines({ ...TREE, subject: 'x\u001b[2J' })[0]).toBe('patch    x\\u001b[2J');
  });
});

describe('a patch is unreached', () => {
  it.each([
    ['where a function ran', TREE, false],
    ['where no function ran', { ...TREE, functions: TREE.functions.slice(1) }, true],
    ['where nothing was compiled', { ...TREE, objects: 0 }, true],
    ['where declarations alone are changed', { ...TREE, functions: [] }, false],
  ])('%s', (_, tree, expected) => {
    expect(isUnreached({ tree })).toBe(expected);
  });

  it.each([
    ['where no rule was asked', [{ rule: 'listener.skip', asked: 0, answers: 0, differed: false }], true],
    ['where a rule was asked', [{ rule: 'listener.skip', asked: 7, answers: 1, differed: false }], false],
    ['where the patch has no rules', [], false],
  ])('%s, for a patch of the model', (_, rules, expected) => {
    expect(isUnreached({ rules })).toBe(expected);
  });

  it('and says what was not reached', () => {
    expect(unreachedText({ rules: [{ rule: 'listener.skip', asked: 0, answers: 0, differed: false }] })).toBe(
      'not reached: listener.skip',
    );
    expect(unreachedText({ tree: { ...TREE, functions: TREE.functions.slice(1) } })).toBe(
      'not reached: two, three, four',
    );
    expect(unreachedText({ tree: { ...TREE, objects: 0, files: ['docs/x.rst'] } })).toBe(
      'nothing of the patch is compiled here: docs/x.rst',
    );
  });
});
