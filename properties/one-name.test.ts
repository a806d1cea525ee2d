import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './pages/page.ts';
import { sourcesIn } from './testing/import-graph.ts';

/**
 * Names that two files export as types. The published vfio-user server may not import `src/host`, so each of the two
 * has VFIO's structures. The others still have two meanings: no name may be added.
 */
const SHARED = ['Place', 'RegionCapability', 'RegionInfo', 'SparseArea'];

/** The classes, interfaces, types and enums that a text declares and exports. */
const exportedTypes = (text: string): readonly string[] =>
  [...text.matchAll(/^export (?:abstract )?(?:class|interface|type|enum) ([A-Z]\w*)\b(?! *[,}])/gm)].map(
    ([, name]) => name!,
  );

it('each exported type has a name of its own', () => {
  const files = new Map<string, string[]>();
  for (const file of sourcesIn(['src', 'generators'])) {
    if (/\.(?:test|bench)\.ts$|\/testing\//.test(file)) continue;
    for (const name of exportedTypes(readFileSync(join(ROOT, file), 'utf8')))
      files.set(name, [...(files.get(name) ?? []), file]);
  }
  expect(files.size).toBeGreaterThan(300);
  const shared = [...files].filter(([, of]) => new Set(of).size > 1);
  const unexpected = shared.filter(([name]) => !SHARED.includes(name));
  expect(unexpected.map(([name, of]) => `${name}: ${of.join(', ')}`)).toEqual([]);
  expect(shared.map(([name]) => name).toSorted()).toEqual(SHARED);
});

it('exportedTypes finds declarations, and not what a file passes on', () => {
  const text =
    'export class A {}\nexport abstract class B {}\nexport interface C {}\nexport type D<T> = T;\n';
  expect(exportedTypes(text)).toEqual(['A', 'B', 'C', 'D']);
  expect(
    exportedTypes("export { type E } from './e.ts';\nexport type { F } from './f.ts';\nclass G {}\n"),
  ).toEqual([]);
});
