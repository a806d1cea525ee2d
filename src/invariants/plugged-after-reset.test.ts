import { describe, expect, it } from 'vitest';
import { mapMatchesView } from './map-matches-view.ts';
import { PAGE, judge, state, trace } from './testing/index.ts';

describe('map-matches-view at a reset (memory fact 1.10)', () => {
  const plugged = (end: bigint) => new Map([['mem', end === 0n ? [] : [{ start: 0n, end }]]]);
  const found = (
    op: 'reset' | 'enable-memory',
    after: bigint,
    { outcome = 'ok' }: { readonly outcome?: 'ok' | 'aborted' } = {},
  ) => {
    const made = trace([
      { state: state({ plugged: plugged(PAGE) }) },
      { state: state({ plugged: plugged(after) }) },
    ]);
    const operation = op === 'reset' ? { op } : { op, device: 'dev0' };
    const steps = made.steps.map((step, index) => (index === 1 ? { ...step, operation } : step));
    return judge(mapMatchesView, { ...made, steps, outcome });
  };

  it('reports blocks of virtio-mem that are still plugged', () => {
    expect(found('reset', PAGE).violations).toMatchObject([
      {
        cause: 'plugged-after-reset',
        step: 1,
        message: 'the machine was reset, and "mem" still has [0x0, 0xfff] plugged',
      },
    ]);
  });

  it('looks at a reset before the operation of which the machine died', () => {
    const left = { state: state({ plugged: plugged(PAGE) }) };
    const made = trace([left, left, left]);
    const steps = made.steps.map((step, index) =>
      index === 1 ? { ...step, operation: { op: 'reset' as const } } : step,
    );
    expect(judge(mapMatchesView, { ...made, steps, outcome: 'aborted' }).causes).toEqual([
      'plugged-after-reset',
    ]);
  });

  it('accepts a reset that unplugs all, other operations, and a machine that died of the reset', () => {
    expect(found('reset', 0n)).toMatchObject({ causes: [], exercised: 1 });
    expect(found('enable-memory', PAGE).causes).toEqual([]);
    expect(found('reset', PAGE, { outcome: 'aborted' }).causes).toEqual([]);
  });
});
