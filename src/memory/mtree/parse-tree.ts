import { offset } from '../../address/index.ts';
import {
  OVERFLOW_MARKER,
  type MtreeAddressSpace,
  type MtreeAlias,
  type MtreeRegion,
  type MtreeSection,
  type MtreeText,
} from './mtree-region.ts';
import { MtreeSyntaxError } from './mtree-syntax-error.ts';
import { REGION_LINE, fromHex16, readRegionLine, takeOwners } from './region-line.ts';
import { placeTree } from './place-tree.ts';
import type { TreeLine } from './tree-placement.ts';

const SPACE_HEADING = 'address-space: ';
const SECTION_HEADING = 'memory-region: ';
const HEADING = `"${SPACE_HEADING}NAME" or "${SECTION_HEADING}NAME"`;
const DISABLED = ' [disabled]';
const ALIAS = /^alias (.* @.*) ([0-9a-f]{16})-([0-9a-f]{16})$/s;
/** The markers of regions without a line stand before the next line (memory fact 8.4). */
const LEADING = /^((?:\[DETECTED OVERFLOW!\] )*)( *)(\[DETECTED OVERFLOW!\] )?(.*)$/s;

/** What the caller knows about the text. */
export interface ParseTreeOptions {
  /**
   * Whether disabled regions have lines: QEMU up to 5.0 printed the text, or `-D` was given. By default
   * the parser assumes so if any line says `[disabled]`.
   */
  readonly disabledShown?: boolean;
}

/** A section of which the parser has not seen the end: the next heading, a blank line, or the end of the text. */
interface OpenSection {
  readonly names: string[];
  readonly isSpace: boolean;
  readonly lines: TreeLine[];
}

/**
 * Parses the text of `info mtree`, with or without `-D` and `-o`, of QEMU 2.11 to 11. Lines end with LF or
 * CR LF (memory fact 8.1). The text may be an excerpt: any of the sections, with blank lines between them.
 *
 * The text is ambiguous in three ways:
 * - A region whose start equals its end has one byte or none; the result keeps both numbers.
 * - The line of an alias may have ` @` more than once. The target is the first tail that is the name of a
 *   section, and otherwise the tail behind the last ` @`.
 * - A line may be a child of a disabled region that has no line: see {@link placeTree}.
 *
 * @throws MtreeSyntaxError at the first line that QEMU does not print at its place.
 */
export function parseTree(text: string, options: ParseTreeOptions = {}): MtreeText {
  const lines = text.split(/\r?\n/);
  const targets = new Set<string>();
  let someDisabled = false;
  for (const line of lines) {
    if (line.startsWith(SECTION_HEADING)) targets.add(line.slice(SECTION_HEADING.length));
    else if (line.includes(DISABLED)) someDisabled = true;
  }
  const disabledShown = options.disabledShown ?? someDisabled;

  const addressSpaces: MtreeAddressSpace[] = [];
  const sections: MtreeSection[] = [];
  let section: OpenSection | undefined;

  const close = (markers: number): void => {
    if (section === undefined) return;
    const { names, isSpace, lines: read } = section;
    section = undefined;
    const root = placeTree(read, markers, disabledShown);
    if (isSpace) {
      addressSpaces.push({ names, root });
      return;
    }
    const name = names[0]!;
    // A disabled region has no line, but the heading of its section names it.
    sections.push({ name, root: root.hidden ? { ...root, name } : root });
  };
  const openSection = (name: string, isSpace: boolean): void => {
    section = { names: [name], isSpace, lines: [] };
  };

  lines.forEach((line, index) => {
    const fail = (expected: string): never => {
      throw new MtreeSyntaxError(index + 1, line, expected);
    };
    if (line.startsWith(SPACE_HEADING)) {
      const name = line.slice(SPACE_HEADING.length);
      if (section?.isSpace && section.lines.length === 0) {
        section.names.push(name);
        return;
      }
      close(0);
      openSection(name, true);
      return;
    }
    if (line.startsWith(SECTION_HEADING)) {
      close(0);
      openSection(line.slice(SECTION_HEADING.length), false);
      return;
    }
    const [, before, indent, after, content] = LEADING.exec(line)!;
    const markers = before!.length / OVERFLOW_MARKER.length + (after === undefined ? 0 : 1);
    if (content === '') {
      close(markers);
      return;
    }
    if (section === undefined) return fail(HEADING);
    const region = readRegion(content!, targets) ?? fail(REGION_LINE);
    const level = indent!.length / 2;
    const above = section.lines.at(-1)?.level ?? 0;
    if (level === 1 && above > 0) fail('a deeper indent: a section has one root');
    const deepest = disabledShown ? above + 1 : Number.POSITIVE_INFINITY;
    if (!Number.isInteger(level) || level < 1 || level > deepest) {
      fail(`an indent of two spaces a level${disabledShown ? `, at most ${2 * deepest}` : ''}`);
    }
    section.lines.push({ region, level, markers });
  });
  close(0);
  return { addressSpaces, sections };
}

/** The region that a line describes, without its place in the tree; `undefined` if the line has another form. */
function readRegion(content: string, targets: ReadonlySet<string>): MtreeRegion | undefined {
  const line = readRegionLine(content);
  if (line === undefined) return undefined;
  const { rest: suffixed, ...fields } = line;
  const { rest, owners } = takeOwners(suffixed);
  const disabled = rest.endsWith(DISABLED);
  const named = disabled ? rest.slice(0, -DISABLED.length) : rest;
  const match = ALIAS.exec(named);
  const common = { ...fields, ...owners, disabled, overflow: false, children: [] };
  if (match === null) return { ...common, name: named };
  const [name, target] = splitAlias(match[1]!, targets);
  const alias: MtreeAlias = { target, start: offset(fromHex16(match[2]!)), end: fromHex16(match[3]!) };
  return { ...common, name, alias };
}

/** Splits `NAME @TARGET`; both names may contain ` @`. */
function splitAlias(text: string, targets: ReadonlySet<string>): [name: string, target: string] {
  let at = text.lastIndexOf(' @');
  for (let other = text.indexOf(' @'); other < at; other = text.indexOf(' @', other + 1)) {
    if (targets.has(text.slice(other + 2))) at = other;
  }
  return [text.slice(0, at), text.slice(at + 2)];
}
