import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInvariant, type InvariantId } from '../src/invariants/index.ts';
import { decodeScenario } from '../src/scenario/index.ts';
import { loadSentences, loadVerdicts, MAIL, readList, verdictsText } from './mail/mailed-series.ts';
import { mailPage } from './mail/page.ts';

const verdicts = loadVerdicts();
const sentences = loadSentences();

it('the page of the mailed series has each verdict', async () => {
  await expect(mailPage(verdicts, sentences)).toMatchFileSnapshot(join(MAIL, 'README.md'));
});

it('every series that breaks something was looked at by hand', () => {
  const broken = verdicts.filter(({ breaks = [] }) => breaks.length > 0).map(({ messageId }) => messageId);
  expect(broken.filter((messageId) => sentences[messageId] === undefined)).toEqual([]);
});

it('every sentence is of a series that was judged', () => {
  const judged = new Set(verdicts.map(({ messageId }) => messageId));
  expect(Object.keys(sentences).filter((messageId) => !judged.has(messageId))).toEqual([]);
});

describe('the smallest cases of what the series break', () => {
  const cases = verdicts.flatMap(({ messageId, breaks = [] }) =>
    breaks.map(({ finding, scenario }) => ({ messageId, finding, scenario })),
  );

  it.each(cases)('are scenarios that can be run again: $messageId, $finding', ({ finding, scenario }) => {
    expect(() => decodeScenario(scenario)).not.toThrow();
    const [invariant] = finding.split('/') as [InvariantId];
    expect(findInvariant(invariant).id).toBe(invariant);
  });
});

it('verdicts are stored with the newest series first, each once', () => {
  expect(verdictsText(verdicts)).toBe(verdictsText(verdicts.toReversed()));
  expect(new Set(verdicts.map(({ messageId }) => messageId)).size).toBe(verdicts.length);
});

it('a subject may hold the sign that parts a line of a list', () => {
  expect(readList('1@a|2026-01-01|a|b\n\n')).toEqual([
    { messageId: '1@a', date: '2026-01-01', subject: 'a|b' },
  ]);
});
