import { sample } from 'fast-check';
import { classify, GuidedCases, scenarios, simplifyScenario } from '../../generators/index.ts';
import {
  BLOCK_CASES,
  forgivenBy,
  runBlock,
  shrinkDiscovery,
  shrinkKept,
  type BlockCases,
  type BlockOrder,
  type BlockResult,
  type Discovery,
  type Judging,
  type KeptScenario,
  type ShrunkDiscovery,
} from '../campaign/index.ts';
import { unknownName } from '../input/index.ts';
import { COMMON_INVARIANTS, ownInvariants, type Invariant, type InvariantId } from '../invariants/index.ts';
import { requireRevision, runOnModel, scopeOf } from '../model/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { ProofScope } from '../scope/index.ts';
import { acceptedFindings } from './accepted-findings.ts';

/** What each worker of a campaign is told at its start. It can be sent to a thread. */
export interface CampaignWorkOrder {
  readonly revision: string;
  /** The only invariant to judge; every one of the model if left out. */
  readonly invariant?: InvariantId | undefined;
  /** Files with invariants of the user. The thread has loaded them before it makes the work. */
  readonly plugins: readonly string[];
  /** Whether known findings count as counterexamples. */
  readonly strict: boolean;
  /** The cases: drawn from the seed of each block, or those of a scope. */
  readonly cases:
    | { readonly kind: 'drawn'; readonly realistic: boolean; readonly guided: boolean }
    | { readonly kind: 'scope'; readonly pages: number; readonly operations: number };
}

/** Runs blocks of a campaign on the model, and shrinks what they show. */
export class CampaignWork {
  readonly #order: CampaignWorkOrder;
  readonly #casesOf: (block: BlockOrder) => BlockCases;
  readonly #judging: Judging;

  constructor(order: CampaignWorkOrder) {
    const { invariant, strict } = order;
    const revision = requireRevision(order.revision, '--revision');
    const known = strict ? [] : acceptedFindings(revision.id);
    this.#order = order;
    this.#casesOf = casesOf(order);
    this.#judging = {
      run: (scenario) => runOnModel(scenario, revision),
      invariants: modelInvariants(invariant),
      forgiven: (violation, trace) => forgivenBy(known, violation, trace),
    };
  }

  runBlock(
    order: BlockOrder,
    onDiscovery: (discovery: Discovery) => void,
    signal: AbortSignal,
  ): Promise<BlockResult> {
    const { number } = order;
    // The kinds of the scenarios of a scope are known: its tables name them.
    const isDrawn = this.#order.cases.kind === 'drawn';
    const cases = this.#casesOf(order);
    return runBlock({
      ...this.#judging,
      number,
      cases,
      classify: isDrawn ? classify : () => [],
      onDiscovery,
      signal,
    });
  }

  shrinkKept(kept: KeptScenario, signal: AbortSignal): Promise<Scenario> {
    return shrinkKept(kept, { ...this.#judging, simplify: simplifyScenario, signal });
  }

  shrink(discovery: Discovery, signal: AbortSignal): Promise<ShrunkDiscovery> {
    return shrinkDiscovery(discovery, { ...this.#judging, simplify: simplifyScenario, signal });
  }
}

/**
 * The invariants that a campaign judges: those of the model and of the user, or one of them.
 *
 * @throws InvalidInput when there is no such invariant.
 */
export function modelInvariants(id: InvariantId | undefined): readonly Invariant[] {
  const all = [...COMMON_INVARIANTS, ...ownInvariants()];
  if (id === undefined) return all;
  const invariant = all.find((one) => one.id === id);
  if (invariant !== undefined) return [invariant];
  const known = all.map((one) => one.id);
  const otherwise = 'barproof list invariants shows all ids; model-agrees judges a real QEMU alone';
  throw unknownName({ path: '--invariant', kind: 'invariant', name: id, known, otherwise });
}

function casesOf({ revision: id, cases }: CampaignWorkOrder): (block: BlockOrder) => BlockCases {
  const scope = scopeOf(requireRevision(id, '--revision'));
  if (cases.kind === 'drawn') {
    const drawn = scenarios({ ...scope, realistic: cases.realistic });
    if (cases.guided) return ({ seed, size }) => new GuidedCases(drawn, { seed, size });
    return ({ seed, size }) => listed(sample(drawn, { seed, numRuns: size }));
  }
  const all = new ProofScope({ ...scope, ...cases });
  return ({ number, size }) => {
    let next = number * BLOCK_CASES;
    const end = next + size;
    return { next: () => (next < end ? all.scenario(next++) : undefined) };
  };
}

function listed(all: readonly Scenario[]): BlockCases {
  let next = 0;
  return { next: () => all[next++] };
}
