/**
 * A rule of a room's `FACTS.md`: a heading such as `### 6.6 Device memory …`, or a row of a table below it
 * whose first cell is an id.
 */
export interface Fact {
  readonly id: string;
  /** Numbers of the steps that its text lists. */
  readonly steps: ReadonlySet<number>;
  /** Why no code cites it, where the heading says so: `(uncited: not modelled)`. */
  readonly uncited: string | undefined;
  /** Whether its text says where the rule comes from and how it is known. */
  readonly sourced: boolean;
}

/** The facts of each room that has a `FACTS.md`, in the order of the document. */
export type Facts = ReadonlyMap<string, readonly Fact[]>;

/** What a citation names: one fact, a step of it, or all facts from one to another. */
interface Reference {
  readonly first: string;
  readonly last: string;
  readonly steps: readonly number[];
}

/** `vfio facts 5.1 to 5.14`, where it stands and what it names. */
export interface Citation {
  readonly text: string;
  readonly line: number;
  /** The word before "fact"; only a room with a `FACTS.md` makes it a citation of something. */
  readonly room: string;
  readonly references: readonly Reference[];
}

const ID = String.raw`[A-Z]?\d+(?:\.\d+)*[a-z]?`;
const STEPS = String.raw`,?\s+steps?\s+\d+(?:(?:,|\s+and|\s+to)\s+\d+(?![.\d]))*`;
const ITEM = `${ID}(?:${STEPS})?`;
const SEPARATOR = String.raw`(?:,(?:\s+and)?|\s+and|\s+to)\s+`;
const CITATION = new RegExp(
  String.raw`(?:([\w-]+)\s+)?\b[Ff]acts?\s+(${ITEM}(?:${SEPARATOR}${ITEM})*)(?!\w)`,
  'g',
);
const PARTS = new RegExp(`(${SEPARATOR})?(${ID})(${STEPS})?`, 'g');

const HEADING = new RegExp(String.raw`^### (${ID}) (.*)`);
const ROW = new RegExp(String.raw`^\| (${ID}) +\|(.*)\|$`, 'gm');
/** How a fact is known: the versions that were read, run or measured, or the history of the source. */
const KNOWN = /\b(?:read|observed|measured|computed|history|follows from)\b/;

/**
 * The facts of a document, each heading before the rows of its tables. A row has the source of its heading, and
 * its last cell says how the fact is known; where a heading says why no code cites it, its rows go with it.
 */
export function readFacts(document: string): Fact[] {
  return document.split(/^(?=##)/m).flatMap((section) => {
    const [, id, title = ''] = HEADING.exec(section) ?? [];
    const uncited = /\(uncited: (.+)\)$/.exec(title)?.[1];
    const [source] = /^Source: [^]*?(?=\n\n|$(?![^]))/m.exec(section) ?? [];
    const rows = [...section.matchAll(ROW)].map(([, row = '', cells = '']) => ({
      id: row,
      steps: new Set<number>(),
      uncited,
      sourced: source !== undefined && KNOWN.test(cells.split('|').at(-1)!),
    }));
    if (id === undefined) return rows;
    const steps = new Set([...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number)));
    const sourced = source !== undefined && (rows.length > 0 || KNOWN.test(source));
    return [{ id, steps, uncited, sourced }, ...rows];
  });
}

/** The citations of a text, those that name no room included. They may go on in the next line of a comment. */
export function findCitations(text: string): Citation[] {
  return [...withoutMargins(text).matchAll(CITATION)].map((match) => {
    const [whole, room = '', list = ''] = match;
    return {
      text: whole.replaceAll(/\s+/g, ' '),
      line: lineAt(text, match.index),
      room,
      references: readReferences(list),
    };
  });
}

/** Ids with a letter in front, such as `K10`, that stand in a comment outside of a citation. */
export function findBareIds(text: string): { readonly text: string; readonly line: number }[] {
  const comments = text.replaceAll(/^(?!\s*(?:\/\*|\*|\/\/)).*$/gm, '');
  const rest = withoutMargins(comments).replaceAll(CITATION, (citation) => ' '.repeat(citation.length));
  return [...rest.matchAll(/(?<![\w.-])[BCDGIKMRTUV]\d+(?:\.\d+)*(?![\w.-]*\w)/g)].map((match) => ({
    text: match[0],
    line: lineAt(text, match.index),
  }));
}

/**
 * The facts that a citation names.
 *
 * @returns the reason as text if the room, fact or step does not exist.
 */
export function resolve(citation: Citation, facts: Facts): readonly Fact[] | string {
  const document = facts.get(citation.room);
  if (document === undefined) return `names no room with a FACTS.md (${[...facts.keys()].join(', ')})`;
  const found: Fact[] = [];
  for (const { first, last, steps } of citation.references) {
    const [from, to] = [first, last].map((id) => document.findIndex((fact) => fact.id === id));
    for (const [id, index] of [[first, from] as const, [last, to] as const]) {
      if (index === -1)
        return `src/${citation.room}/FACTS.md has no ${id}; near it: ${nearest(id, document)}`;
    }
    if (from! > to!) return `${first} comes after ${last}`;
    const step = steps.find((number) => !document[to!]!.steps.has(number));
    if (step !== undefined) return `${citation.room} fact ${last} has no step ${step}`;
    found.push(...document.slice(from, to! + 1));
  }
  return found;
}

function readReferences(list: string): Reference[] {
  const references: Reference[] = [];
  for (const [, separator = '', id = '', stepList = ''] of list.matchAll(PARTS)) {
    const steps = [...stepList.matchAll(/\d+/g)].map(Number);
    const first = separator.trim() === 'to' ? references.pop()?.first : undefined;
    references.push({ first: first ?? id, last: id, steps });
  }
  return references;
}

/** The text with blanks for the marks that begin the lines of a comment; every character stays where it was. */
const withoutMargins = (text: string): string =>
  text.replaceAll(/(?<=\n)[ \t]*(?:\*(?!\/)|\/\/|>)/g, (margin) => ' '.repeat(margin.length));

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** The ids of the same chapter, or all chapters where there is none. */
function nearest(id: string, document: readonly Fact[]): string {
  const chapterOf = (one: string): string => /^[A-Z]?\d*/.exec(one)![0];
  const chapter = document.filter((fact) => chapterOf(fact.id) === chapterOf(id));
  const ids = chapter.map((fact) => fact.id);
  return (ids.length > 0 ? ids : [...new Set(document.map((fact) => chapterOf(fact.id)))]).join(', ');
}
