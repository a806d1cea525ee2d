import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import type { CaseAnswer } from './case/explain-case.ts';
import { explain, explanationJson, explanationText, pictureOf } from './index.ts';

const stored = (name: string): string =>
  readFileSync(new URL(`../../regressions/${name}.json`, import.meta.url), 'utf8');
const SEED = stored('revisions/seed-v2--map-aligned');
const explained = (text: string) => explain([{ name: 'case.json', text }]);
const caseIn = (text: string): CaseAnswer =>
  explained(text).answers.find((answer) => answer.kind === 'case')!;

describe('explain, for the stored case of the seed patch', () => {
  const answer = caseIn(SEED);
  const field = (path: string) => answer.fields.find((one) => one.path === path)!;
  const resultOf = (path: string, value: string) =>
    field(path).tried.find((one) => one.value === value)?.result;

  it('names the violation, the rule, and the source of the model', () => {
    expect(answer.main).toMatchObject({ invariant: 'map-aligned', cause: 'bar-fragment-unaligned' });
    expect(answer.rule!.clause).toContain('aligned to the smallest page');
    expect(answer.rule!.source).toContain('seed thread');
  });

  it('varies one field at a time, and says which other values fail', () => {
    expect(resultOf('revision', 'qemu-2.12')).toBe('holds');
    expect(resultOf('host.kernel', '6.12')).toBe('same');
    expect(resultOf('host.kernel', 'sparse-msix')).toBe('other');
    expect(resultOf('machine.type', 'pseries')).toBe('holds');
    expect(resultOf('devices[0].bars[0].size', '0x20000')).toBe('same');
    expect(resultOf('devices[0].msix', 'left out')).not.toBe('same');
    expect(resultOf('operations[1]', 'left out')).not.toBe('same');
  });

  it('tells the map after each step, which fields matter, and what avoids it', () => {
    const text = explanationText(explained(SEED), 'barproof');
    expect(text).toContain('2 enable-memory dev0   <-- the violation');
    expect(text).toMatch(/What avoids it\n\n {3}revision: .*qemu-2\.12/);
  });

  it('gives programs the same answer', () => {
    const [json] = (JSON.parse(explanationJson(explained(SEED))) as { answers: Record<string, unknown>[] })
      .answers;
    expect(json).toMatchObject({
      kind: 'case',
      revision: 'seed-v2',
      outcome: 'aborted',
      main: { invariant: 'map-aligned' },
    });
  });
});

describe('explain, for a case in which every invariant holds', () => {
  const scenario = (JSON.parse(stored('seed/cx4-64k')) as { scenario: { revision: string } }).scenario;
  const text = JSON.stringify({ ...scenario, revision: 'qemu-2.12' });

  it('says so, and varies nothing', () => {
    expect(caseIn(text)).toMatchObject({ violations: [], fields: [], main: undefined });
    expect(explanationText(explained(text), 'barproof')).toContain('every invariant holds');
  });

  it('draws its map without an outline', () => {
    expect(pictureOf(explained(text), undefined)).not.toContain('class="mark-wrong"');
  });
});

describe('explain refuses', () => {
  it.each([
    ['JSON with a fault', '{ "version": 1, }', 'case.json'],
    [
      'a scenario of a revision that does not exist',
      JSON.stringify({ ...(JSON.parse(SEED) as { scenario: object }).scenario, revision: 'qemu-0.1' }),
      'there is no revision',
    ],
  ])('%s', (_, text, message) => {
    expect(() => explained(text)).toThrow(InvalidInput);
    expect(() => explained(text)).toThrow(message);
  });
});
