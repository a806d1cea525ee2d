import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answerOnModel } from '../src/linux/model/model-answers.ts';
import { CALLS_OF } from '../src/linux/session/call-forms.ts';
import { SessionComparison } from '../src/linux/session/comparison.ts';
import { decodeSession } from '../src/linux/session/decode-session.ts';
import { errnoName } from '../src/host/index.ts';

/*
 * Sessions on iommufd that Linux 7.3.4 answered behind each emulated IOMMU, on x86_64 and on arm64 with pages of 64K. They
 * hold the model to that kernel where it is not built. `barproof host --target linux --json` records such a session.
 */
const lines = readFileSync(
  fileURLToPath(new URL('../regressions/host-sessions/iommufd.ndjson', import.meta.url)),
  'utf8',
)
  .trimEnd()
  .split('\n');

const sessionsOn = (kernel?: string) =>
  lines.map((line) => {
    const recorded = JSON.parse(line) as object;
    return decodeSession(kernel === undefined ? recorded : { ...recorded, kernel });
  });

const comparisonOn = (kernel?: string): SessionComparison => {
  const comparison = new SessionComparison();
  for (const session of sessionsOn(kernel)) comparison.add(session, answerOnModel(session));
  return comparison;
};

describe('the recorded sessions on iommufd', () => {
  const steps = sessionsOn().flatMap((session) => session.steps);

  it('are answered by the model as by the kernel, every call', () => {
    const { classes, reasons, notRecorded, sessions } = comparisonOn();
    expect(classes.map(({ name }) => name)).toEqual([]);
    expect([reasons, notRecorded, sessions]).toEqual([[], 0, 24]);
  });

  it('have every call of iommufd, with success, and the errors of the facts', () => {
    const succeeded = new Set(
      steps.flatMap(({ call, recorded }) => (recorded?.ret === 0 ? [call.call] : [])),
    );
    expect([...succeeded].toSorted()).toEqual([...CALLS_OF.iommufd].toSorted());
    const errors = new Set(steps.map(({ recorded }) => errnoName(recorded!.errno)));
    for (const errno of ['EADDRINUSE', 'EBADF', 'EEXIST', 'EFAULT', 'EINVAL', 'EMSGSIZE', 'ENODEV', 'ENOENT'])
      expect(errors).toContain(errno);
    for (const errno of ['EOPNOTSUPP', 'EOVERFLOW']) expect(errors).toContain(errno);
  });

  it('tell Linux 7.3 from one without dma-bufs of BARs', () => {
    expect(comparisonOn('6.18').classes.map(({ name }) => name)).toContain(
      'iommufd export-dma-buf: ok recorded, ENOTTY answered',
    );
  });
});
