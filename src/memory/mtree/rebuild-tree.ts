import type { MemoryRegion } from '../memory-region.ts';
import type { MemoryTopology } from '../memory-topology.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { assignTargets } from './rebuild-aliases.ts';
import { identifyTrees } from './rebuild-identity.ts';
import type { RebuildOptions } from './rebuild-options.ts';
import { RegionBuilder } from './region-builder.ts';

/** The regions that a text stands for. */
export interface RebuiltTree {
  /** Has the address spaces in the order of the text. */
  readonly topology: MemoryTopology;
  /** The regions of the `memory-region:` sections, in the order of the text. */
  readonly sections: readonly MemoryRegion[];
  /** The region that a line stands for; several lines may stand for the same region. */
  readonly regionOf: (line: MtreeRegion) => MemoryRegion;
  /** The line of a region that the functions in the options were given; `undefined` for an invented region. */
  readonly lineOf: (region: MemoryRegion) => MtreeRegion | undefined;
}

/**
 * Builds the region trees that a text of `info mtree` shows. If the text is complete, these print as the
 * same text again, in the form of the text.
 *
 * The text is ambiguous in some points that the options do not settle:
 * - **Lines that are the same region.** A tree that occurs again, line for line, inside a larger tree is that
 *   part of the larger tree. A section with the tree of an address space is the root of that space. Equal
 *   trees of address spaces are one root, unless the text groups spaces by their root.
 * - **The target of an alias**, if several regions have the name: see {@link assignTargets}. A target that the
 *   text does not contain is invented, with all bytes that its aliases show.
 * - **Size 0 or 1**: an alias counts as empty (a closed window of a bridge); another region has one byte.
 * - **A root in a container that is not printed** keeps its priority and type in a container `(hidden)`.
 */
export function rebuildTree(text: MtreeText, options: RebuildOptions = {}): RebuiltTree {
  const grouped = options.form
    ? options.form.grouping === 'root'
    : text.addressSpaces.some(({ names }) => names.length > 1);
  const identity = identifyTrees(text, !grouped);
  const trees = [...text.addressSpaces, ...text.sections];
  const disabledShown = options.disabledShown ?? trees.some(({ root }) => showsDisabled(root));
  const resolution = assignTargets(text, identity, disabledShown);
  const builder = new RegionBuilder(text, options, resolution, disabledShown);
  const regionOf = (line: MtreeRegion): MemoryRegion => builder.region(identity.canonical(line));
  builder.build(identity.trees);
  for (const { names, root } of text.addressSpaces) {
    for (const name of names) builder.topology.createAddressSpace(name, regionOf(root));
  }
  return {
    topology: builder.topology,
    sections: text.sections.map(({ root }) => regionOf(root)),
    regionOf,
    lineOf: (region) => builder.line(region),
  };
}

const showsDisabled = (line: MtreeRegion): boolean =>
  (line.disabled && line.hidden !== true) || line.children.some(showsDisabled);
