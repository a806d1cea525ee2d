import type { Range } from '../../address/index.ts';

/** What a box stands for; decides its colour. */
export type BoxKind =
  | 'bar'
  | 'table'
  | 'pba'
  /** QEMU has an mmap of the bytes; whether the guest reaches them without an exit, the memslots decide. */
  | 'mmap'
  | 'direct'
  | 'trapped'
  | 'mapped'
  | 'refused'
  | 'skipped'
  | 'page'
  | 'split page'
  | 'ram'
  | 'limit';

/** Some addresses in one column of the picture. */
export interface MapBox extends Range {
  readonly label: string;
  readonly kind: BoxKind;
}

/** A column of the picture. */
export interface MapColumn {
  /** Two short lines: the name, and an explanation for a reader who does not know the name. */
  readonly title: string;
  readonly subtitle: string;
  readonly boxes: readonly MapBox[];
}

/** Addresses to outline, and what the reader has to know about them. */
export interface MapMark extends Range {
  readonly label: string;
  /** `wrong` for a violation, `note` for a fact. */
  readonly tone: 'wrong' | 'note';
}

/** A part of a guest's memory map, as a picture shows it: addresses downwards, one column for each view of them. */
export interface GuestMap {
  readonly title: string;
  /** Sentences under the title. */
  readonly text: readonly string[];
  readonly columns: readonly MapColumn[];
  readonly marks: readonly MapMark[];
  /** Where the axis is not one of guest addresses: the starts of what it shows, by rising start. */
  readonly starts?: readonly NamedStart[];
}

/** A place on the axis from which offsets are counted: `dev0 BAR 0`. */
export interface NamedStart {
  readonly start: bigint;
  readonly name: string;
}
