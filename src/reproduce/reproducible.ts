import { pageSizeBitmap } from '../address/index.ts';
import type { LoadedCase } from '../campaign/index.ts';
import {
  findInvariant,
  fingerprintText,
  isError,
  violationsOf,
  type Fingerprint,
  type Violation,
} from '../invariants/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel } from '../model/index.ts';
import { whyNotRunnable } from '../qemu/index.ts';
import {
  decodeScenario,
  encodeScenario,
  toJsonLine,
  type MachineType,
  type Scenario,
} from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { evidenceOfTrace, evidenceOfWords, type Evidence } from './evidence.ts';

/** A finding as a real QEMU with a vfio-user server can show it. */
export interface Reproducible {
  readonly scenario: Scenario;
  readonly fingerprint: Fingerprint;
  /** The finding in one sentence. */
  readonly title: string;
  readonly rule: string;
  /** What QEMU does if it shows the finding. */
  readonly evidence: Evidence;
  /** How the scenario differs from that of the case, a sentence each. */
  readonly notes: readonly string[];
}

/** A change of a case that a vfio-user server needs. The model says whether the finding is still there. */
interface Change {
  readonly isNeeded: (scenario: Scenario) => boolean;
  readonly make: (scenario: Scenario) => Scenario;
  readonly note: (scenario: Scenario) => string;
}

/** Bytes of a page of most hosts. */
const COMMON_PAGE = 0x1000n;
/** QEMU gives guest RAM in multiples of these (src/qemu/runnable.ts). */
const RAM_UNITS: Partial<Record<MachineType, bigint>> = { pseries: 256n << 20n };
const RAM_UNIT = 0x2000n;

const withMachine = (scenario: Scenario, type: MachineType): Scenario => {
  const { cpu: _, ...machine } = scenario.machine;
  return { ...scenario, machine: { ...machine, type, msixEmulation: 'machine-default' } };
};

const optsOut = ({ machine }: Scenario): boolean =>
  machine.msixEmulation === 'off' || (machine.type === 'pseries' && machine.msixEmulation !== 'on');

const wholeUnits = ({ machine: { type, ram } }: Scenario): bigint => {
  const unit = RAM_UNITS[type] ?? RAM_UNIT;
  return ((ram + unit - 1n) / unit) * unit;
};

/** In this order: the machine decides the unit of RAM. */
const CHANGES: readonly Change[] = [
  {
    isNeeded: ({ machine }) => machine.type === 'generic' || machine.msixEmulation !== 'machine-default',
    make: (scenario) => withMachine(scenario, optsOut(scenario) ? 'pseries' : 'q35'),
    note: ({ machine }) =>
      machine.type === 'generic'
        ? 'QEMU has no machine "generic"; the program uses another.'
        : `QEMU's ${machine.type} cannot turn MSI-X emulation ${machine.msixEmulation}; the program uses a machine that does.`,
  },
  {
    isNeeded: (scenario) => wholeUnits(scenario) !== scenario.machine.ram,
    make: (scenario) => ({ ...scenario, machine: { ...scenario.machine, ram: wholeUnits(scenario) } }),
    note: () => 'QEMU gives no machine so little RAM as the case; the program gives it the next size.',
  },
  {
    isNeeded: ({ host }) => host.iommu.type !== 'vfio-user',
    make: (scenario) => {
      const { pageSizes, maxMappings } = scenario.host.iommu;
      const iommu = {
        type: 'vfio-user',
        pageSizes,
        ...(maxMappings !== undefined && { maxMappings }),
      } as const;
      return { ...scenario, host: { kernel: scenario.host.kernel, iommu } };
    },
    note: ({ host }) => `The case has the IOMMU ${host.iommu.type}; the program shows it over vfio-user.`,
  },
];

const COMMON_PAGES: Change = {
  isNeeded: ({ machine }) => machine.hostPageSize !== COMMON_PAGE,
  make: (scenario) => ({
    ...scenario,
    machine: { ...scenario.machine, hostPageSize: COMMON_PAGE, guestPageSize: COMMON_PAGE },
  }),
  note: () => 'The case has larger pages; with host pages of 4 KiB QEMU shows the same.',
};

/** A variant of a case that a real QEMU can run over vfio-user. */
interface Candidate {
  readonly scenario: Scenario;
  readonly notes: readonly string[];
}

/**
 * The case in a form that a real QEMU with a vfio-user server can show.
 *
 * @throws InvalidInput with the reason, in one sentence, why no such QEMU can show the case.
 */
export function reproducible({ scenario, regression }: LoadedCase): Reproducible {
  const refuse = (reason: string): never => {
    throw new InvalidInput([{ path: '', message: `no vfio-user device can show this case: ${reason}` }]);
  };
  const wanted = wantedFingerprint(scenario, regression);
  if (wanted === undefined) return refuse(`it breaks no rule on ${NEWEST.title}`);
  const rule = findInvariant(wanted.invariant).clause;
  const { candidates, reason } = candidatesOf(scenario);
  if (candidates.length === 0) return refuse(reason!);
  for (const candidate of candidates) {
    const trace = runOnModel(candidate.scenario, NEWEST);
    const violation = find(trace, wanted);
    const evidence = violation && evidenceOfTrace(trace, violation);
    if (evidence !== undefined)
      return { ...candidate, fingerprint: wanted, title: violation!.message, rule, evidence };
  }
  const words = regression?.observed.target !== undefined ? evidenceOfWords(regression) : undefined;
  const unchanged = candidates.find(({ notes }) => notes.length === 0);
  if (words !== undefined && unchanged !== undefined)
    return { ...unchanged, fingerprint: wanted, title: regression!.title, rule, evidence: words };
  return refuse(whyNotShown(scenario, wanted));
}

function whyNotShown({ host }: Scenario, wanted: Fingerprint): string {
  const { type } = host.iommu;
  if (type !== 'vfio-user')
    return `it needs the kernel's own VFIO and KVM with the IOMMU ${type}; over vfio-user ${fingerprintText(wanted)} does not come up`;
  return `neither memory map nor DMA requests of QEMU ${NEWEST.id.slice('qemu-'.length)} tell ${fingerprintText(wanted)}`;
}

/** The finding that the case is about; of a bare scenario the first that the newest QEMU shows. */
function wantedFingerprint(
  scenario: Scenario,
  regression: LoadedCase['regression'],
): Fingerprint | undefined {
  const { invariant, cause } = regression ?? {};
  if (invariant !== undefined && cause !== undefined) return { invariant, cause };
  const violations = violationsOf(runOnModel(scenario, NEWEST));
  return violations.find(isError) ?? violations[0];
}

const find = (trace: Trace, { invariant, cause }: Fingerprint): Violation | undefined =>
  violationsOf(trace).find((violation) => violation.invariant === invariant && violation.cause === cause);

/** The variants of a case that QEMU can run, the best first, or why there is none. */
function candidatesOf(scenario: Scenario): {
  readonly candidates: readonly Candidate[];
  readonly reason: string | undefined;
} {
  let changed: Candidate = { scenario: { ...scenario, revision: NEWEST.id }, notes: [] };
  for (const change of CHANGES) changed = applied(change, changed);
  const all = [applied(COMMON_PAGES, changed), changed];
  const reasons = all.map((candidate) => whyNot(candidate.scenario));
  const candidates = all.filter((_, index) => reasons[index] === undefined);
  return { candidates, reason: reasons.find((reason) => reason !== undefined) };
}

const applied = ({ isNeeded, make, note }: Change, { scenario, notes }: Candidate): Candidate =>
  isNeeded(scenario) ? { scenario: make(scenario), notes: [...notes, note(scenario)] } : { scenario, notes };

/** Why QEMU with a vfio-user server cannot run the scenario. The program looks at the pages of its host itself. */
function whyNot(scenario: Scenario): string | undefined {
  try {
    decodeScenario(JSON.parse(toJsonLine(encodeScenario(scenario))));
  } catch (error) {
    if (error instanceof InvalidInput) return error.problems[0]!.message;
    throw error;
  }
  return whyNotRunnable(scenario, {
    hostPageSize: scenario.machine.hostPageSize,
    pageSizeShim: false,
    // Of the properties that scenarios have, vfio-user-pci has none.
    deviceProperties: { 'vfio-user-pci': new Set(), 'vfio-pci': undefined },
    hasIommufd: false,
  });
}

/** The page sizes that the server announces. */
export const announcedPages = ({ host }: Scenario): bigint => pageSizeBitmap(host.iommu.pageSizes);
