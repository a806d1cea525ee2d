import { describe, expect, it } from 'vitest';
import { hostSessions } from '../../generators/index.ts';
import { compareWithModel } from '../linux/campaign/host-campaign.ts';
import { FakeKernel, type Mutant } from '../linux/campaign/testing/fake-kernel.ts';
import { decodeSession } from '../linux/session/decode-session.ts';
import { isAnswered } from '../linux/session/host-call.ts';
import { hostCampaignEnds, reportedHostFinding, type ReportEvent } from '../readers/index.ts';
import { hostCampaignSummary, hostFindingBlock } from './host-campaign-text.ts';

const sessions = hostSessions({
  ...{ kernel: '6.12', arch: 'x86_64', pageSize: 0x1000n, iommu: 'intel-aw48' },
}).map(decodeSession);

const campaign = (mutant?: Mutant) =>
  compareWithModel({ kernel: new FakeKernel(mutant), sessions, seed: 1, runs: 40 });

/** Two maps at the same place are an invalid argument. */
const wrongOverlap: Mutant = (answer) =>
  isAnswered(answer) && answer.errno === 17 ? { ...answer, errno: 22 } : answer;

describe('the report of a campaign on a kernel', () => {
  it('shows the calls with both answers, the rule, and the commands that show it again', async () => {
    const { findings } = await campaign(wrongOverlap);
    const finding = findings.find(({ cause }) => cause === 'type1v2-map-kernel-einval-model-eexist')!;
    const block = hostFindingBlock(finding, 1, { again: 'barproof host A', onModel: 'barproof host B' });
    expect(block).toMatch(
      /^1 {2}model-answers \/ type1v2-map-kernel-einval-model-eexist {3}\(\d+ generated sessions, /,
    );
    expect(block).toContain('   type1v2 map: the kernel answers EINVAL, the model EEXIST\n');
    expect(block).toMatch(/^ {3}0 +map +iova=0x0 size=0x1000 .* 0 +0$/m);
    expect(block).toMatch(/^ {3}1 +map +iova=0x0 size=0x1000 .* EINVAL +EEXIST +<-- here$/m);
    expect(block).toContain('   again     barproof host A\n   model     barproof host B\n');
  });

  it('has the last lines of the console of a kernel that stopped, without control characters', async () => {
    const { findings } = await campaign(wrongOverlap);
    const stopped = { ...findings[0]!, rule: 'kernel-survives' as const, console: ['Kernel panic\u001b[2J'] };
    const block = hostFindingBlock(stopped, 1, { again: undefined, onModel: undefined });
    expect(block).toContain('| Kernel panic');
    expect(block).not.toContain('\u001b');
    expect(block).toContain('expected  the kernel answers each host call, and goes on');
  });

  it('says how many calls were compared, and that an interrupted campaign gives no verdict', async () => {
    const result = await campaign();
    const all = hostCampaignSummary(result, { planned: 40, folder: undefined });
    expect(all).toMatch(/^sessions: 40 \(\d+ calls compared\)\n/);
    expect(all).toMatch(/\nthe model answers every call as the kernel does\n$/);
    const some = hostCampaignSummary(result, { planned: 50, folder: undefined });
    expect(some).toContain('interrupted: 40 of 50 sessions were asked');
    expect(some).not.toContain('as the kernel does');
  });

  it('is a finding and a summary of the events of reports', async () => {
    const result = await campaign(wrongOverlap);
    const [finding] = result.findings;
    expect(reportedHostFinding(finding!, 1, 'barproof host A')).toMatchObject({
      ...{ rule: 'model-answers', severity: 'error', revision: 'Linux 6.12', again: 'barproof host A' },
      scenario: { container: finding!.session.container, calls: [{ ret: 0 }, { ret: -1, errno: 22 }] },
    });
    const events: ReportEvent[] = [];
    hostCampaignEnds(result, 40, (event) => events.push(event));
    expect(events).toMatchObject([
      {
        type: 'summary',
        summary: {
          cases: 40,
          headline: [expect.stringMatching(/^found 3 counterexamples among \d+ calls$/), '40 sessions'],
        },
      },
    ]);
    events.length = 0;
    hostCampaignEnds(result, 41, (event) => events.push(event));
    expect(events[0]).toEqual({ type: 'interrupted' });
  });
});
