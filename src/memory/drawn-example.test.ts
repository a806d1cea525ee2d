import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { transform } from 'sucrase';
import { describe, expect, it } from 'vitest';
import { blocksOf, replaceBlocks } from '../../properties/pages/page.ts';
import * as address from '../address/index.ts';
import * as memory from './index.ts';

const README = fileURLToPath(new URL('./README.md', import.meta.url));
const page = readFileSync(README, 'utf8');

/** Runs the code of the page as one program; returns what each block prints, and a drawing of `space` behind each block. */
function runPage() {
  const printed: string[] = [];
  const pictures: string[] = [];
  let output = '';
  const modules: Readonly<Record<string, unknown>> = { '../address/index.ts': address, './index.ts': memory };
  const code = blocksOf(page).flatMap(({ language, text }) =>
    language === 'ts' ? [`${text}endOfBlock(space);\n`] : [],
  );
  const context = createContext({
    exports: {},
    require: (name: string) => modules[name],
    console: { log: (text: string) => void (output += `${text}\n`) },
    endOfBlock(space: memory.AddressSpace) {
      pictures.push(drawing(space));
      printed.push(output);
      output = '';
    },
  });
  runInContext(transform(code.join(''), { transforms: ['typescript', 'imports'] }).code, context);
  return { printed, pictures };
}

const PAGE = 0x1000n;
const LABEL = 16;
/** Characters for one page of 4 KiB. */
const COLUMN = 7;

interface Row {
  readonly label: string;
  readonly boxes: readonly { readonly start: bigint; readonly end: bigint; readonly text: string }[];
}

/** The rows of the region tree and of the flat view. */
function drawing({ root, view }: memory.AddressSpace): string {
  const rows: Row[] = [];
  const visit = (region: memory.MemoryRegion, container: bigint, depth: number): void => {
    const { name, kind, priority, alias, subregions } = region;
    const start = container + region.address;
    const type = kind === 'container' ? kind : memory.regionType(region, memory.form11);
    const text = alias === undefined ? type : `${alias.region.name} +${address.hex(alias.offset)}`;
    rows.push({
      label: `${'  '.repeat(depth)}${name}${priority === 0 ? '' : ` (${priority})`}`,
      boxes: [{ start, end: start + region.size, text }],
    });
    for (const child of subregions) visit(child, start, depth + 1);
  };
  visit(root, 0n, 0);
  const ranges = view.ranges.map(({ start, end, region, offset }) => ({
    start,
    end,
    text: offset === 0n ? region.name : `${region.name} +${address.hex(offset)}`,
  }));
  const edges = Array.from({ length: Number(root.size / PAGE) }, (_, page) => BigInt(page) * PAGE);
  const ruler = edges.map((edge) => address.hex(edge).padEnd(COLUMN)).join('');
  return [
    `${''.padEnd(LABEL)}${ruler}`,
    ...rows.map(rowText),
    '',
    rowText({ label: 'flat view', boxes: ranges }),
  ]
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function rowText({ label, boxes }: Row): string {
  let text = label.padEnd(LABEL);
  for (const { start, end, text: inside } of boxes) {
    const width = COLUMN * Number((end - start) / PAGE) - 2;
    text = text.padEnd(LABEL + COLUMN * Number(start / PAGE));
    text += `[${inside.slice(0, width).padEnd(width)}]`;
  }
  return text;
}

describe('src/memory/README.md', () => {
  // `npx vitest run src/memory/drawn-example.test.ts -u` writes the drawings and outputs.
  it('draws and prints what its code builds', async () => {
    const { printed, pictures } = runPage();
    const withPictures = replaceBlocks(page, 'text', () => pictures.shift()!);
    const filled = replaceBlocks(withPictures, 'console', () => printed.shift()!);
    expect([pictures, printed]).toEqual([[], []]);
    await expect(filled).toMatchFileSnapshot(README);
  });

  it('has at most 110 lines', () => {
    expect(page.split('\n').length).toBeLessThanOrEqual(110);
  });
});
