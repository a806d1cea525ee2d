import { describe, expect, it } from 'vitest';
import { TryBudget } from './try-budget.ts';

const spend = (take: () => boolean): number => {
  let taken = 0;
  while (taken < 1000 && take()) taken++;
  return taken;
};

describe('a budget of tries', () => {
  it('gives a finding a quarter at most, and each later one a little even when all is spent', () => {
    const budget = new TryBudget(200);
    expect(Array.from({ length: 6 }, () => spend(budget.share()))).toEqual([50, 50, 50, 50, 12, 12]);
  });

  it('has no end where none is given', () => {
    expect(spend(new TryBudget().share())).toBe(1000);
  });
});
