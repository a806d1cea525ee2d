import { describe, expect, it } from 'vitest';
import { Stages } from './stages.ts';

describe('Stages', () => {
  it('tells what is done, what goes on, and for how long', () => {
    let time = 0;
    const lines: string[] = [];
    const stages = new Stages(
      (line) => lines.push(line),
      () => time,
    );
    stages.begin('configure');
    time = 24_000;
    stages.end();
    stages.begin('build');
    stages.update('build 512/1339');
    stages.note('another barproof builds on this base');
    time = 30_000;
    stages.end('patched 3 objects');
    stages.begin('apply');
    stages.end();
    stages.close();
    expect(lines).toEqual([
      'configure',
      'configure 24 s',
      'configure 24 s · build',
      'configure 24 s · build 512/1339',
      'configure 24 s · another barproof builds on this base · build 512/1339',
      'configure 24 s · another barproof builds on this base · patched 3 objects 6 s',
      'configure 24 s · another barproof builds on this base · patched 3 objects 6 s · apply',
      'configure 24 s · another barproof builds on this base · patched 3 objects 6 s · apply',
    ]);
    expect(stages.done).toBe(lines.at(-1));
  });
});
