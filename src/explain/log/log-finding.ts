import type { Dump } from '../mtree/dump.ts';
import type { PastedDevice } from '../lspci/pasted-device.ts';
import type { NamedHost } from '../../scenario/index.ts';

/** What a message means for the machine. */
export type Severity =
  /** QEMU ends, or does not start. */
  | 'fatal'
  /** QEMU goes on, with less: slower, or without peer-to-peer DMA. */
  | 'goes on'
  /** Nothing is lost. */
  | 'harmless'
  /** The text does not say. */
  | 'depends';

/** What a map is of: RAM, the BAR of a device, or one of the two. */
export type MappedMemory = 'RAM' | 'BAR' | 'RAM or a BAR';

/** What can be changed, and where. */
export interface Remedies {
  readonly host?: readonly string[];
  readonly qemu?: readonly string[];
  readonly guest?: readonly string[];
}

/** What a line of a log says. */
export interface LogMeaning {
  readonly severity: Severity;
  /** In one sentence: what follows for the machine. */
  readonly verdict: string;
  /** The limit that was crossed: `IOMMU width`, `lock limit`. */
  readonly limit: string;
  /** Sentences about the limit, with the numbers of the line. */
  readonly why: readonly string[];
  /** The region, device or BAR that the line is about, if that is known. */
  readonly subject?: string | undefined;
  readonly remedies: Remedies;
  /** The addresses that were asked for, where the line has them. */
  readonly request?: { readonly what: 'DMA map' | 'memslot'; readonly iova: bigint; readonly size: bigint };
}

/** A line of a log that barproof knows. */
export interface LogFinding extends LogMeaning {
  readonly kind: 'log';
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** The name of the rule, stable. */
  readonly rule: string;
  /** The numbers of further lines with the same meaning. */
  readonly repeats: readonly number[];
}

/** What was given beside the line. */
export interface LogContext {
  /** The error of the kernel in `VFIO_MAP_DMA failed: …`, if that is the last line of VFIO above this one. */
  readonly errorAbove?: number | undefined;
  readonly host: NamedHost | undefined;
  readonly devices: readonly PastedDevice[];
  readonly dump: Dump | undefined;
  /** What other lines of the text say. */
  readonly signs: LogSigns;
}

/** Facts about the whole text. */
export interface LogSigns {
  /** QEMU ended: `closed the monitor`, a core dump. */
  readonly isDead: boolean;
  /** QEMU ended because of a refused map: `unable to continue`. */
  readonly diedOfMap: boolean;
  /** QEMU's hint on peer-to-peer DMA. */
  readonly hasPeerToPeerHint: boolean;
  /** RAM is named as the region that failed. */
  readonly namesRam: boolean;
  /** QEMU refused a device because of a map: `memory listener initialization failed`, which it never says of a BAR. */
  readonly refusedByListener: boolean;
  readonly architecture: 'x86' | 'arm64' | 'power' | undefined;
  /** A line names iommufd. */
  readonly usesIommufd: boolean;
  /** A line names the map of the legacy container. */
  readonly usesType1: boolean;
}

/** A kind of line. */
export interface LogRule {
  readonly id: string;
  readonly pattern: RegExp;
  explain(match: RegExpExecArray, context: LogContext): LogMeaning;
}
