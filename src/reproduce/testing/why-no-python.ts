import { spawnSync } from 'node:child_process';

/** The oldest Python that runs the programs of `barproof reproduce`. */
const OLDEST = [3, 11] as const;

/** Why the programs of `barproof reproduce` cannot run here; `undefined` where they can. */
export function whyNoPython(): string | undefined {
  const { stdout, status } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return 'there is no python3';
  const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  return isOld ? `${stdout.trim()} is older than ${OLDEST.join('.')}` : undefined;
}
