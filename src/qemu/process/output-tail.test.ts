import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { OutputTail } from './output-tail.ts';

const listen = () => {
  const words = new OutputTail();
  const stream = new PassThrough();
  words.listenTo(stream);
  const print = async (text: string): Promise<void> => {
    stream.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { words, print };
};

describe('OutputTail', () => {
  it('cuts output into lines, however it arrives, and counts them', async () => {
    const { words, print } = listen();
    await print('one\ntw');
    await print('o\r\nthree');
    expect(words.count).toBe(2);
    expect(words.since(0)).toEqual(['one', 'two', 'three']);
    expect(words.since(1)).toEqual(['two', 'three']);
  });

  it('spells out characters of QEMU that would command a terminal', async () => {
    const { words, print } = listen();
    await print('\u001b[2Jred\u009b1m\u202e\nrest\u001b');
    expect(words.since(0)).toEqual(['\\u001b[2Jred\\u009b1m\\u202e', 'rest\\u001b']);
  });

  it('keeps the last 4000 lines and the number of all lines', async () => {
    const { words, print } = listen();
    await print(Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`).join(''));
    expect(words.count).toBe(10_000);
    expect(words.since(0).length).toBeLessThanOrEqual(4000);
    expect(words.since(9_999)).toEqual(['line 9999']);
    await print('x'.repeat(1_000_000));
    await print('y\n');
    expect(words.since(10_000)[0]!.length).toBeLessThanOrEqual(4096);
  });
});
