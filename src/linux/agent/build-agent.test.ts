import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { HostArchitecture } from '../session/host-session.ts';
import { buildAgent } from './build-agent.ts';

const ARCHITECTURES: Readonly<Record<string, HostArchitecture>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
};
const architecture = ARCHITECTURES[process.arch];

/** Whether `cc` links static programs with threads: the C library may come without its static part. */
const linksStatically = (): boolean =>
  spawnSync('cc', ['-static', '-pthread', '-x', 'c', '-o', '/dev/null', '-'], {
    input: 'int main(void) { return 0; }',
  }).status === 0;

// Tests with a real kernel are skipped where the agent does not compile, so a warning would skip them all.
it('the agent compiles without a warning for this machine', (context) => {
  context.skip(architecture === undefined, `barproof boots no kernel on ${process.arch}`);
  context.skip(!linksStatically(), 'there is no C compiler that links statically');
  const cache = mkdtempSync(join(tmpdir(), 'build-agent-'));
  try {
    const path = buildAgent(architecture!, { XDG_CACHE_HOME: cache });
    expect(path.startsWith(cache)).toBe(true);
    expect(existsSync(path)).toBe(true);
  } finally {
    rmSync(cache, { recursive: true });
  }
});
