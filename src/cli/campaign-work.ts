import { sample, type Arbitrary } from 'fast-check';
import {
  classify,
  GuidedCases,
  qemuHistories,
  qemuScenarios,
  scenarios,
  simplifyQemuScenario,
  simplifyScenario,
} from '../../generators/index.ts';
import {
  BLOCK_CASES,
  checkableInvariants,
  forgivenBy,
  interruptible,
  runBlock,
  shrinkDiscovery,
  shrinkKept,
  type BlockCases,
  type BlockOrder,
  type BlockResult,
  type Discovery,
  type KeptScenario,
  type ShrinkOptions,
  type ShrunkDiscovery,
} from '../campaign/index.ts';
import type { InvariantId } from '../invariants/index.ts';
import { openModel, requireRevision, scopeOf, type AnyRevision } from '../model/index.ts';
import type { OpenQemu } from '../qemu/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { ProofScope } from '../scope/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { acceptedFindings } from './accepted-findings.ts';
import { loadQemu } from './open-target.ts';
import type { TargetOptions } from './target-options.ts';

/** What each worker of a campaign is told at its start. It can be sent to a thread, or to a process. */
export interface CampaignWorkOrder extends TargetOptions {
  readonly revision: string;
  /** The only invariant to judge; every one that the target can show if left out. */
  readonly invariant?: InvariantId | undefined;
  /** Files with invariants of the user. The worker has loaded them before it opens the target. */
  readonly plugins: readonly string[];
  /** Whether known findings count as counterexamples. */
  readonly strict: boolean;
  /** The cases: drawn from the seed of each block, or those of a scope. */
  readonly cases:
    | { readonly kind: 'drawn'; readonly realistic: boolean; readonly guided: boolean }
    | { readonly kind: 'scope'; readonly pages: number; readonly operations: number };
}

/** The target of a campaign, and the cases that suit it. */
export interface CampaignTarget {
  readonly target: SearchTarget;
  readonly casesOf: (block: BlockOrder) => BlockCases;
  readonly simplify: (scenario: Scenario) => Iterable<Scenario>;
  /** How many times the case of a finding runs again, to tell what depends on timing. */
  readonly repetitions: number;
}

/** How the scenarios of a block on a real QEMU share machines and hardware: starting and plugging takes the time. */
const SHARED = { lanes: 1, histories: 4, sets: 4 };
const QEMU_REPETITIONS = 10;

/**
 * Opens what a campaign searches. The caller closes it.
 *
 * @throws TargetUnavailable when the user asks for a real QEMU and none is found.
 */
export async function openCampaignTarget(order: CampaignWorkOrder): Promise<CampaignTarget> {
  const revision = requireRevision(order.revision, '--revision');
  if (order.target === 'model') {
    const casesOf = casesOnModel(order, revision);
    return { target: openModel(revision), casesOf, simplify: simplifyScenario, repetitions: 0 };
  }
  const { qemu: path, interface: chosen = 'vfio-user' } = order;
  const target = await (await loadQemu()).openQemu({ path, interface: chosen, search: true });
  const casesOf = casesOnQemu(order, target);
  return { target, casesOf, simplify: simplifyQemuScenario, repetitions: QEMU_REPETITIONS };
}

/**
 * Opens what a campaign searches, and closes it at the end.
 *
 * @throws TargetUnavailable as `openCampaignTarget` does.
 */
export async function withCampaignTarget(
  order: CampaignWorkOrder,
  act: (opened: CampaignTarget) => Promise<void>,
): Promise<void> {
  const opened = await openCampaignTarget(order);
  try {
    await act(opened);
  } finally {
    await opened.target.close();
  }
}

/** Runs blocks of a campaign, and shrinks what they show. */
export class CampaignWork {
  readonly #target: CampaignTarget;
  readonly #isDrawn: boolean;
  readonly #shrinking: ShrinkOptions;

  /** @param signal ends the campaign: a block or the shrinking of a case then ends after the case that runs. */
  constructor(order: CampaignWorkOrder, opened: CampaignTarget, signal: AbortSignal) {
    const { invariant, strict } = order;
    const { target, simplify, repetitions } = opened;
    const known = strict ? [] : acceptedFindings(order.revision);
    this.#target = opened;
    // The kinds of the scenarios of a scope are known: its tables name them.
    this.#isDrawn = order.cases.kind === 'drawn';
    this.#shrinking = {
      run: interruptible((scenario) => target.run(scenario), order.target === 'model' ? undefined : signal),
      invariants: checkableInvariants(target, invariant),
      forgiven: (violation, trace) => forgivenBy(known, violation, trace),
      simplify,
      repetitions,
      signal,
    };
  }

  runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult> {
    return runBlock({
      ...this.#shrinking,
      number: order.number,
      cases: this.#target.casesOf(order),
      classify: this.#isDrawn ? classify : () => [],
      onDiscovery,
    });
  }

  shrinkKept(kept: KeptScenario): Promise<Scenario> {
    return shrinkKept(kept, this.#shrinking);
  }

  shrink(discovery: Discovery): Promise<ShrunkDiscovery> {
    return shrinkDiscovery(discovery, this.#shrinking);
  }
}

function casesOnModel(
  { cases }: CampaignWorkOrder,
  revision: AnyRevision,
): (block: BlockOrder) => BlockCases {
  const scope = scopeOf(revision);
  if (cases.kind === 'drawn') {
    const drawn = scenarios({ ...scope, realistic: cases.realistic });
    return drawnCases(cases.guided, drawn, ({ seed, size }) => sample(drawn, { seed, numRuns: size }));
  }
  const all = new ProofScope({ ...scope, ...cases });
  return ({ number, size }) => {
    let next = number * BLOCK_CASES;
    const end = next + size;
    return { next: () => (next < end ? all.scenario(next++) : undefined) };
  };
}

function casesOnQemu(
  { cases }: CampaignWorkOrder,
  { machines }: Pick<OpenQemu, 'machines'>,
): (block: BlockOrder) => BlockCases {
  if (cases.kind === 'scope') throw new Error('a scope is proven on the model alone');
  const { realistic, guided } = cases;
  const histories = qemuHistories({ ...SHARED, realistic }, machines);
  const scenariosOf = ({ seed, size }: BlockOrder): readonly Scenario[] => {
    // Over vfio-user a list has one set of devices.
    const numRuns = Math.ceil(size / SHARED.histories);
    return sample(histories, { seed, numRuns }).flat(2).slice(0, size);
  };
  return drawnCases(guided, qemuScenarios(machines, { realistic }), scenariosOf);
}

/** The cases of blocks: those of a list, or cases that learn from what they showed. */
const drawnCases =
  (
    guided: boolean,
    drawn: Arbitrary<Scenario>,
    scenariosOf: (block: BlockOrder) => readonly Scenario[],
  ): ((block: BlockOrder) => BlockCases) =>
  (block) =>
    guided ? new GuidedCases(drawn, block) : listed(scenariosOf(block));

function listed(all: readonly Scenario[]): BlockCases {
  let next = 0;
  return { next: () => all[next++] };
}
