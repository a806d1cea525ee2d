import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RegressionStore, decodeRegression, type Regression } from '../../src/campaign/index.ts';
import { FingerprintSet, type Fingerprint, type InvariantId } from '../../src/invariants/index.ts';
import { parseJson } from '../../src/input/index.ts';
import type { Patch } from '../../src/validate/index.ts';
import { findRevision, type Revision } from '../../src/vfio/index.ts';

/** Where the bugs are kept: for each a patch, the configuration that triggers it, and what was measured. */
export const BUGS = fileURLToPath(new URL('../../regressions/bugs/', import.meta.url));

/** A real bug that a patch puts back into a revision. */
export interface KnownBug {
  /** As in the list of known bugs, in lower case: `ql-07`. */
  readonly id: string;
  readonly title: string;
  readonly source: string;
  /** The revision without the bug. */
  readonly base: Revision;
  readonly patched: Revision;
  /** How it differs from what was reported, where it does. */
  readonly remark: string | undefined;
  /** What `regression` shows with the bug put back: invariant and cause. */
  readonly shows: Fingerprint;
  /** The invariants that it breaks, and no others. */
  readonly breaks: readonly InvariantId[];
  /** The configuration that triggers it, by its report. */
  readonly regression: Regression;
}

interface BugModule {
  readonly default: Patch;
  /** What the base is patched with, where no release is what the bug was in. */
  readonly before?: Patch;
  readonly remark?: string;
  readonly shows: Fingerprint;
  readonly breaks: readonly InvariantId[];
}

/** Every bug there is a patch for, by id. */
export async function loadBugs(): Promise<readonly KnownBug[]> {
  const files = readdirSync(BUGS).filter((file) => file.endsWith('.ts'));
  return Promise.all(files.toSorted().map((file) => loadBug(file.slice(0, -'.ts'.length))));
}

async function loadBug(id: string): Promise<KnownBug> {
  const url = pathToFileURL(`${BUGS}${id}.ts`).href;
  const { default: patch, before, remark, shows, breaks } = (await import(url)) as BugModule;
  const { title = id, source = '', base: baseId = '' } = patch.definition;
  const release = findRevision(baseId);
  if (release === undefined) throw new Error(`${id}: there is no revision ${baseId}`);
  const base = before?.applyTo(release) ?? release;
  const regression = decodeRegression(parseJson(readFileSync(`${BUGS}${id}.json`, 'utf8')));
  return { id, title, source, base, patched: patch.applyTo(base), remark, shows, breaks, regression };
}

const FINDINGS = new RegressionStore(
  fileURLToPath(new URL('../../regressions/known', import.meta.url)),
).load();

/** How a release is known to break invariants: such a finding is none about a bug that a patch put back. */
export function knownFingerprints({ id }: Revision): FingerprintSet {
  const known = new FingerprintSet();
  for (const { regression } of FINDINGS) {
    const { failsOn, invariant, cause } = regression;
    if (invariant === undefined || cause === undefined || !failsOn.includes(id)) continue;
    known.add({ invariant, cause });
  }
  return known;
}
