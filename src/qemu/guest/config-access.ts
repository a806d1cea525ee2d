import type { AccessWidth } from '../../pci-layout/index.ts';
import type { QtestClient } from '../process/qtest-client.ts';

/** A register in the configuration space of function 0. */
export interface ConfigRegister {
  readonly bus: number;
  /** 0 to 31. */
  readonly slot: number;
  /** Offset in configuration space, a multiple of the access's width. */
  readonly register: number;
}

/** An access to configuration space: the lines of qtest that carry it out, and the meaning of their answers. */
export interface ConfigCycle {
  readonly lines: readonly string[];
  /** The value of a read; 0 for a write. @throws Error when the access failed. */
  result(answers: readonly (readonly string[])[]): number;
}

/** How the CPU of a machine reaches PCI configuration space. */
export interface ConfigAccess {
  read(at: ConfigRegister, width: AccessWidth): ConfigCycle;
  write(at: ConfigRegister, width: AccessWidth, value: number): ConfigCycle;
}

/** Carries out accesses in order, without waiting between them. @returns the value of each. */
export async function runCycles(qtest: QtestClient, cycles: readonly ConfigCycle[]): Promise<number[]> {
  const answers = await qtest.send(cycles.flatMap(({ lines }) => lines));
  let at = 0;
  return cycles.map((cycle) => {
    const own = answers.slice(at, at + cycle.lines.length);
    at += cycle.lines.length;
    return cycle.result(own);
  });
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const SUFFIX = { 1: 'b', 2: 'w', 4: 'l' } as const;

/** The number at the start of the last answer. */
const lastNumber = (answers: readonly (readonly string[])[]): number => Number(answers.at(-1)![0]!);
const noValue = (): number => 0;

const ADDRESS_PORT = 0xcf8;
const DATA_PORT = 0xcfc;

/** The access of PCs: the address goes to port 0xcf8, the data to port 0xcfc (PCI 3.0 section 3.2.2.3.2). */
export const portAccess: ConfigAccess = {
  read: (at, width) => ({
    lines: [select(at), `in${SUFFIX[width]} ${hex(DATA_PORT + (at.register & 3))}`],
    result: lastNumber,
  }),
  write: (at, width, value) => ({
    lines: [select(at), `out${SUFFIX[width]} ${hex(DATA_PORT + (at.register & 3))} ${hex(value)}`],
    result: noValue,
  }),
};

const select = ({ bus, slot, register }: ConfigRegister): string =>
  `outl ${hex(ADDRESS_PORT)} ${hex((0x8000_0000 | (bus << 16) | (slot << 11) | (register & ~3)) >>> 0)}`;

/**
 * Memory-mapped configuration space (PCI Express 3.0 section 7.2.2).
 *
 * @param base where the window of bus 0 begins, a guest-physical address.
 */
export function ecamAccess(base: bigint): ConfigAccess {
  const place = ({ bus, slot, register }: ConfigRegister): string =>
    hex(base + BigInt((bus << 20) | (slot << 15) | register));
  return {
    read: (at, width) => ({ lines: [`read${SUFFIX[width]} ${place(at)}`], result: lastNumber }),
    write: (at, width, value) => ({
      lines: [`write${SUFFIX[width]} ${place(at)} ${hex(value)}`],
      result: noValue,
    }),
  };
}

/** The addresses in guest RAM of the arguments and results of RTAS calls. */
const RTAS_ARGUMENTS = 0x10_0000;
const RTAS_RESULTS = 0x10_0100;
/** BUID of the first PCI host bridge (hw/ppc/spapr_pci.c). */
const BUID = [0x0800_0000, 0x2000_0000] as const;

/** The access of pseries: calls to RTAS (LoPAPR 7.3.1). Arguments and results are big-endian cells of 32 bits. */
export const rtasAccess: ConfigAccess = {
  read: (at, width) => {
    const call = rtasCall('ibm,read-pci-config', [rtasAddress(at), ...BUID, width], 2);
    const lines = [...call.lines, `readl ${hex(RTAS_RESULTS + 4)}`];
    const mask = width === 4 ? 0xffff_ffff : (1 << (8 * width)) - 1;
    return {
      lines,
      result: (answers) => {
        call.check(answers.slice(0, -1));
        return (lastNumber(answers) & mask) >>> 0;
      },
    };
  },
  write: (at, width, value) => {
    const call = rtasCall('ibm,write-pci-config', [rtasAddress(at), ...BUID, width, value], 1);
    return {
      lines: call.lines,
      result: (answers) => {
        call.check(answers);
        return 0;
      },
    };
  },
};

const rtasAddress = ({ bus, slot, register }: ConfigRegister): number =>
  (bus << 16) | (slot << 11) | register;

/** The lines of qtest that call RTAS. @param results how many cells the call returns. */
export const rtasLines = (name: string, cells: readonly number[], results: number): readonly string[] => [
  ...cells.map((cell, index) => `writel ${hex(RTAS_ARGUMENTS + 4 * index)} ${hex(cell >>> 0)}`),
  `rtas ${name} ${cells.length} ${hex(RTAS_ARGUMENTS)} ${results} ${hex(RTAS_RESULTS)}`,
];

/** A call to RTAS, and a check of its status, which the last line reads. */
function rtasCall(name: string, cells: readonly number[], results: number) {
  const lines = [...rtasLines(name, cells, results), `readl ${hex(RTAS_RESULTS)}`];
  const check = (answers: readonly (readonly string[])[]): void => {
    const [called, status] = answers.slice(-2).map(([word]) => Number(BigInt.asUintN(32, BigInt(word!))));
    if (called !== 0 || status !== 0) throw new Error(`RTAS ${name} failed with status ${status}`);
  };
  return { lines, check };
}
