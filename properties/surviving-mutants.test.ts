import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import survivors from './testing/surviving-mutants.json' with { type: 'json' };

const sourceOf = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8');

describe('the list of explained mutants (.ci/mutate.mjs)', () => {
  it.each(survivors)('names code that is still there: $file, $original -> $replacement', (survivor) => {
    const { file, line, original, replacement, why } = survivor;
    const source = sourceOf(file);
    expect(source.split('\n').map((text) => text.trim())).toContain(line);
    expect(source).toContain(original);
    expect(replacement).not.toBe(original);
    expect(why).toMatch(/^[A-Z].+\.$/);
  });

  it('names each mutant once', () => {
    const texts = survivors.map((mutant) => JSON.stringify({ ...mutant, why: '' }));
    expect(texts).toEqual([...new Set(texts)]);
  });
});
