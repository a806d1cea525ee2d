import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installBarproof } from '../../../properties/testing/installed-barproof.ts';

/** What check-speed.mjs prints; times are microseconds of CPU time for one case. */
export interface CheckSpeed {
  readonly revision: string;
  readonly invariants: number;
  readonly statesPerCase: number;
  readonly cold: { readonly cases: number; readonly microseconds: number };
  /** One time for each round. */
  readonly warm: Readonly<Record<'generation' | 'model' | 'check', readonly number[]>>;
}

/** Until the JavaScript engine has compiled what a check runs. */
const WARM_UP_CASES = 30_000;

/** Measures the installed package on the Node that runs this file. */
export function measureCheckSpeed(rounds: number): CheckSpeed {
  const installed = installBarproof();
  try {
    const program = fileURLToPath(new URL('check-speed.mjs', import.meta.url));
    const words = [program, installed.folder, String(WARM_UP_CASES), String(rounds)];
    return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as CheckSpeed;
  } finally {
    installed.remove();
  }
}
