import { expect, it } from 'vitest';
import { repeat, stabilityText } from './stability.ts';

it('says how often a finding shows', async () => {
  expect(stabilityText(await repeat(() => Promise.resolve(true)))).toBe('stable 10/10');
  let turn = 0;
  expect(stabilityText(await repeat(() => Promise.resolve(turn++ % 3 === 0)))).toBe('flaky 4/10');
});
