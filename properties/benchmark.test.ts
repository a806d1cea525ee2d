import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { exponent, quantile, reportBenchmark } from './testing/benchmark.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('the figures of benchmarks', () => {
  it('have the exponent of what grows as a power of n', () => {
    const growth = (power: number) => [10, 100, 1000].map((n) => ({ n, time: 7 * n ** power }));
    expect(exponent(growth(1.5))).toBeCloseTo(1.5);
    expect(exponent(growth(0))).toBeCloseTo(0);
  });

  it('have quantiles of the values, in any order', () => {
    expect([0, 0.5, 1].map((at) => quantile([30, 10, 20], at))).toEqual([10, 20, 30]);
  });

  it('are printed as text and as JSON, and are appended to the file of BARPROOF_BENCH_JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'benchmark-'));
    try {
      const print = vi.spyOn(console, 'log').mockReturnValue();
      vi.stubEnv('BARPROOF_BENCH_JSON', join(folder, 'figures.ndjson'));
      reportBenchmark('moves', ['one move: 1.2 us'], { ratio: 1.23456 });
      reportBenchmark('moves', [], { exponent: 0.12345 });
      expect(print.mock.calls[0]![0]).toContain('one move: 1.2 us\n{"benchmark":"moves"');
      const lines = readFileSync(join(folder, 'figures.ndjson'), 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
        { benchmark: 'moves', node: process.version, ratio: 1.235 },
        { benchmark: 'moves', node: process.version, exponent: 0.1235 },
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
