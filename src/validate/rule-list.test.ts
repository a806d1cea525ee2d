import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFolder } from '../input/index.ts';
import { listRules } from './rule-list.ts';
import { RULES } from './rules.ts';

/** The first sentence of the comment at the declaration of a rule, without the facts that it cites. */
function declaredWords(file: string, rule: string): string | undefined {
  const text = readFileSync(join(packageFolder(), file), 'utf8');
  const comments = [...text.matchAll(/^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n {2}(?:readonly )?(\w+)[(:?]/gm)];
  const [, comment] = comments.find(([, , name]) => name === rule) ?? [];
  return comment
    ?.replaceAll(/^ *\* ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/ @.*/, '')
    .replaceAll(/[,;]? ?(?:vfio|memory|pci|host|machine) facts? [\w.]+/g, '')
    .replaceAll(' ()', '')
    .replace(/\. (?=[A-Z`]).*/, '')
    .trim()
    .replace(/\.$/, '');
}

describe('the list of rules', () => {
  it('has every rule that a patch may replace, once', () => {
    const names = listRules().map(({ name }) => name);
    const all = Object.entries(RULES).flatMap(([group, rules]) =>
      Object.keys(rules).map((rule) => `${group}.${rule}`),
    );
    expect(names.toSorted()).toEqual(all.toSorted());
    expect(new Set(names).size).toBe(names.length);
  });

  it('says of each rule what its declaration says, in the file that the list names', () => {
    for (const { name, file, about } of listRules())
      expect(`${name}: ${about}`).toBe(`${name}: ${declaredWords(file, name.split('.')[1]!)}`);
  });

  it('says of each rule what it may answer, in one line', () => {
    for (const { name, about, answer } of listRules()) {
      expect(about, name).toMatch(/^[^\n]{10,}$/);
      expect(answer, name).toMatch(/^[^\n]+$/);
    }
  });
});
