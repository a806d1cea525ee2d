import type { Size } from '../address/index.ts';
import type { Operation, Scenario } from '../scenario/index.ts';
import type { AbortSite, VmmEvent } from '../vfio/index.ts';
import type { StateChange } from './change.ts';
import type { ContainerState, State, TraceNode } from './state.ts';

/** How a run ended. */
export type Outcome =
  /** The VMM completed every operation. */
  | 'ok'
  /** The VMM refused a device. */
  | 'rejected'
  /** The VMM died. */
  | 'aborted';

/**
 * One operation, the events in it, and the state after it. The first step is the start of the machine. The
 * shutdown is a step (`stop`) only where the VMM dies in it.
 */
export interface Step {
  readonly operation: Operation | { readonly op: 'start' | 'stop' };
  readonly events: readonly VmmEvent[];
  readonly state: State;
  /** How the state differs from that of the step before; left out by a target that observes whole states only. */
  readonly change?: StateChange;
}

/** The registers of a BAR, as the guest reads them. */
export interface BarRegister {
  readonly device: string;
  readonly bar: number;
  /** The address, without type bits and without the bits below the BAR's size. */
  readonly address: bigint;
  /** Whether COMMAND enables the BAR's address space, and of the expansion ROM its own register, too. */
  readonly decoding: boolean;
  /** False in another power state than D0, where a function answers at no BAR; left out in D0. */
  readonly hasPower?: boolean;
  /** Whether the enable bit of the expansion ROM is set; left out for a BAR. */
  readonly enabled?: boolean;
}

/** The events of unplugging every device, and the mappings that are left in the containers afterwards. */
export interface Teardown {
  readonly events: readonly VmmEvent[];
  readonly containers: readonly ContainerState[];
}

/** Page sizes of a run, in bytes. */
export interface TracePages {
  readonly host: Size;
  readonly guest: Size;
  /** The smallest page of the container's IOMMU. */
  readonly iommu: Size;
}

/** Everything that a run of a scenario shows from outside, on the model or on a real VMM. */
export interface Trace {
  readonly scenario: Scenario;
  /** The revision that ran: its id, or the version of the real VMM. */
  readonly revision: string;
  readonly outcome: Outcome;
  /** The message with which the VMM refused a device or died. */
  readonly error: string | undefined;
  /** The check in which the VMM died: an `AbortSite` of the model, or the function that a real VMM names. */
  readonly abortSite: AbortSite | (string & {}) | undefined;
  readonly pages: TracePages;
  /** Whether the machine opts out of MSI-X emulation. */
  readonly optsOutOfMsixEmulation: boolean;
  /** Set where the target cannot observe memslots, so that states have none. */
  readonly hidesMemslots?: true;
  /** Set where the target cannot observe which sections the VMM skips, and why. */
  readonly hidesSkips?: true;
  /** Set where the target cannot observe what an access of a CPU reaches. */
  readonly hidesAccesses?: true;
  readonly steps: readonly Step[];
  /**
   * The region tree of system memory after the last step; `undefined` with an open transaction, or from a target that
   * cannot read the tree.
   */
  readonly tree: TraceNode | undefined;
  /** The registers of all BARs after the last step; only after `ok`, and only from a target that reads them. */
  readonly barRegisters?: readonly BarRegister[];
  /** For each container the mappings of a listener that was registered after the last step; only after `ok`. */
  readonly scratch: readonly ContainerState[] | undefined;
  /** Only after `ok` and `rejected`. */
  readonly teardown: Teardown | undefined;
  /** System calls of a real VMM that barproof does not know and has refused, each once; absent without any. */
  readonly unknownRequests?: readonly string[];
  /** The trace of the model for the same scenario, beside that of a real VMM to compare with. */
  readonly model?: Trace;
  /** Why a real VMM's trace has no `model`, where the user asked for the comparison. */
  readonly notCompared?: string;
}

/**
 * Whether the state after a step is between two updates. If the VMM died, it died in the middle of the last one.
 *
 * @param step index of the step.
 */
export const isSettled = ({ outcome, steps }: Trace, step: number): boolean =>
  outcome !== 'aborted' || step < steps.length - 1;
