import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { installedKernels } from '../src/linux/boot/installed-kernels.ts';
import { whyNotSent } from '../src/linux/kernel/harmful-calls.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import type { HostSession } from '../src/linux/session/host-session.ts';
import { readSessions } from '../src/linux/session/read-sessions.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/** What stops a Linux kernel, as stored sessions: no campaign sends them, and each stops its kernel today. */

const FOLDER = fileURLToPath(new URL('../regressions/linux/', import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.ndjson'));
/** The rows of the README: file, and number of the host fact. */
const ROWS = new Map(
  [...readFileSync(join(FOLDER, 'README.md'), 'utf8').matchAll(/^\| `(\S+)` \|.*\| (D\d+) \|$/gm)].map(
    ([, file = '', fact = '']) => [file, fact],
  ),
);
/** Two boots, and a kernel that hangs twice until the deadline of 120 s. */
const TIMEOUT = 900_000;
/** A kernel that hangs is waited for, so that these tests take minutes. */
const WANTED = process.env['BARPROOF_LINUX_HARM'] === '1';

const sessionIn = (file: string): HostSession => {
  const [read] = readSessions(readFileSync(join(FOLDER, file), 'utf8'));
  return read!.session as HostSession;
};

describe('the sessions that stop a kernel', () => {
  it('are listed in their README, each with a host fact', () => {
    expect([...ROWS.keys()].toSorted()).toEqual(FILES.toSorted());
  });

  it.each(FILES)('are not sent: %s', (file) => {
    const session = sessionIn(file);
    const whyNot = whyNotSent(session);
    const reasons = session.steps.map(({ call }, index) => whyNot(call, index));
    expect(reasons.at(-1)).toContain(`host fact ${ROWS.get(file)}`);
  });

  it.each(FILES)('name a release, and have lines of its console: %s', (file) => {
    const { kernel, console } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as {
      kernel: string;
      console: string[];
    };
    expect(kernel).toMatch(/^\d+\.\d+\.\d+\+/);
    expect(console.join('\n')).toMatch(/BUG: |WARNING: /);
  });

  describe.each(FILES)('on its kernel: %s', (file) => {
    const { kernel: release } = sessionIn(file);
    const kernel = installedKernels().find((one) => one.release === release);
    const missing = kernel === undefined ? `Linux ${release} is not installed` : whyNoLinux(kernel);
    const reason = WANTED ? missing : 'it takes minutes; set BARPROOF_LINUX_HARM=1';
    const host = new LinuxHost({ kernels: kernel === undefined ? [] : [kernel], harmful: true });
    afterAll(() => host.close());

    it.skipIf(reason !== undefined)(
      `stops it or makes it hang${reason === undefined ? '' : ` (skipped: ${reason})`}`,
      { timeout: TIMEOUT },
      async () => {
        const session = sessionIn(file);
        const { stoppedAt, console = [] } = await host.answer(session);
        expect(stoppedAt).toBeGreaterThanOrEqual(session.steps.length - 1);
        expect(console.join('\n')).toMatch(/tce_iommu_unuse_page_v2|vfio_unmap_unpin/);
      },
    );
  });
});
