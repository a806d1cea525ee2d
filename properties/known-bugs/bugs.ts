import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RegressionStore, decodeRegression, forgivenBy, type Regression } from '../../src/campaign/index.ts';
import {
  FingerprintSet,
  violationsOf,
  type Fingerprint,
  type InvariantId,
} from '../../src/invariants/index.ts';
import type { Trace } from '../../src/trace/index.ts';
import { parseJson } from '../../src/input/index.ts';
import { baseOfPatch, type Patch } from '../../src/validate/index.ts';
import { findAnyRevision, type AnyRevision } from '../../src/model/index.ts';

/**
 * The folder of the bugs: for each a patch and the configuration that triggers it, and the measurements of
 * all.
 */
export const BUGS = fileURLToPath(new URL('../../regressions/bugs/', import.meta.url));

/** A real bug, which a patch puts back into a revision. */
export interface KnownBug {
  /** The id in the list of known bugs, in lower case: `ql-07`. */
  readonly id: string;
  readonly title: string;
  readonly source: string;
  /** The revision without the bug. */
  readonly base: AnyRevision;
  /** The revision with the bug. */
  readonly patched: AnyRevision;
  /** How the bug differs from its report; `undefined` if it does not. */
  readonly remark: string | undefined;
  /** The invariant and cause that `regression` breaks with the bug and not without it. */
  readonly shows: Fingerprint;
  /** The invariants that the bug breaks. A search finds no others. */
  readonly breaks: readonly InvariantId[];
  /** The configuration of the report, which triggers the bug. */
  readonly regression: Regression;
}

/** The exports of `regressions/bugs/ID.ts`. */
interface BugModule {
  readonly default: Patch;
  /** A patch that makes the base out of a release, if no release is a base for the bug. */
  readonly before?: Patch;
  readonly remark?: string;
  readonly shows: Fingerprint;
  readonly breaks: readonly InvariantId[];
}

/** Every bug that has a patch, by id. */
export async function loadBugs(): Promise<readonly KnownBug[]> {
  const files = readdirSync(BUGS).filter((file) => file.endsWith('.ts'));
  return Promise.all(files.toSorted().map((file) => loadBug(file.slice(0, -'.ts'.length))));
}

async function loadBug(id: string): Promise<KnownBug> {
  const url = pathToFileURL(`${BUGS}${id}.ts`).href;
  const { default: patch, before, remark, shows, breaks } = (await import(url)) as BugModule;
  const { title = id, source = '', base: baseId = '' } = patch.definition;
  const release = findAnyRevision(baseId);
  if (release === undefined) throw new Error(`${id}: there is no revision ${baseId}`);
  const base: AnyRevision = baseOfPatch({ before }, release);
  const regression = decodeRegression(parseJson(readFileSync(`${BUGS}${id}.json`, 'utf8')));
  return { id, title, source, base, patched: patch.applyTo(base), remark, shows, breaks, regression };
}

const FINDINGS = new RegressionStore(
  fileURLToPath(new URL('../../regressions/known', import.meta.url)),
).load();

/** What a run breaks, without what the stored findings about a release explain: that says nothing about a bug. */
export function unexplained(trace: Trace, { id }: AnyRevision): FingerprintSet {
  const known = FINDINGS.filter(({ regression }) => regression.failsOn.includes(id));
  return new FingerprintSet(
    violationsOf(trace).filter((violation) => forgivenBy(known, violation, trace) === undefined),
  );
}
