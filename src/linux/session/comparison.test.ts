import { describe, expect, it } from 'vitest';
import { comparisonText, comparisonToJson } from '../../report/host-comparison-text.ts';
import { answerOnModel } from '../model/model-answers.ts';
import { SessionComparison } from './comparison.ts';
import { decodeSession } from './decode-session.ts';

const map = (iova: string, ret: number, errno: number) => ({
  ...{ call: 'map', iova, size: '0x2000', vaddr: 'ram+0x0', flags: 3, ret, errno },
});

/** Linux 6.12 answers EINVAL to a wrap past 2^64 (host fact D1), and its unmap returns 0x2000 bytes. */
const session = decodeSession({
  ...{ seed: 'made/1', container: 'type1v2', kernel: '6.12.1' },
  calls: [
    map('0x10000', 0, 0),
    map('0xfffffffffffff000', -1, 75),
    map('0xfffffffffffff000', -1, 75),
    { call: 'unmap', iova: '0x0', size: '0x100000', flags: 0, ret: 0, errno: 0, unmapped: '0x1000' },
    { call: 'decode', on: true, ret: 0, errno: 0 },
    { call: 'info' },
  ],
});

describe('SessionComparison', () => {
  const comparison = new SessionComparison();
  const answers = answerOnModel(session).map((answer, index) =>
    session.steps[index]!.call.call === 'decode' ? { unanswered: 'not sent' } : answer,
  );
  comparison.add(session, answers);

  it('counts agreement by container and call', () => {
    expect(comparison.agreements).toEqual([
      { container: 'type1v2', call: 'decode', agree: 0, differ: 0, unanswered: 1 },
      { container: 'type1v2', call: 'map', agree: 1, differ: 2, unanswered: 0 },
      { container: 'type1v2', call: 'unmap', agree: 0, differ: 1, unanswered: 0 },
    ]);
    expect(comparison.notRecorded).toBe(1);
  });

  it('puts disagreements of one kind into one class, with the first as its example', () => {
    expect(comparison.classes).toMatchObject([
      { name: 'type1v2 map: EOVERFLOW recorded, EINVAL answered', count: 2, example: { index: 1 } },
      { name: 'type1v2 unmap: another unmapped', count: 1, example: { index: 3 } },
    ]);
  });

  it('is printed as text with the call of each class, and as JSON', () => {
    expect(comparisonText(comparison)).toContain(
      'map iova=0xfffffffffffff000 size=0x2000 vaddr=ram+0x0 flags=3\n  recorded EOVERFLOW; answered EINVAL\n',
    );
    expect(comparisonToJson(comparison)).toMatchObject({
      sessions: 1,
      classes: [{ count: 2 }, { count: 1 }],
    });
  });

  it('is told with the differences between a kernel and the model, whose sides are named', () => {
    const withModel = new SessionComparison();
    withModel.add(session, answerOnModel(session));
    const text = comparisonText(new SessionComparison(), withModel);
    expect(text).toContain('the model answers 4 of 5 calls in another way than this kernel:\n');
    expect(text).toContain(
      '✖ type1v2 map: EOVERFLOW by the kernel, EINVAL by the model (2 of them; Linux 6.12.1)\n',
    );
    expect(text).toContain('  the kernel EOVERFLOW; the model EINVAL\n');
    expect(comparisonToJson(comparison, withModel)).toMatchObject({
      classes: [{ count: 2 }, { count: 1 }],
      model: { sessions: 1, classes: [{ count: 2 }, { count: 1 }, { count: 1 }] },
    });
    expect(comparisonText(comparison, new SessionComparison())).toContain(
      'the model answers all 0 calls as this kernel does\n',
    );
  });
});
