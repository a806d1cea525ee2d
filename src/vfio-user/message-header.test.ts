import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from './malformed-message.ts';
import { commandName, decodeHeader, encodeErrorReply, encodeReply, peekHeader } from './message-header.ts';
import { bytes, text } from './testing/bytes.ts';

const { EEXIST, EINVAL, EMSGSIZE } = constants.errno;

const LIMIT = 0x1000;
const caught = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('decodeHeader', () => {
  // The fields are u16 id, u16 command, u32 size, u32 flags, u32 error.
  it('reads the fields of a command', () => {
    expect(decodeHeader(bytes('3412 0200 30000000 00000000 00000000'), LIMIT)).toEqual({
      id: 0x1234,
      command: 2,
      size: 48,
      wantsReply: true,
    });
  });

  it('reads the flag for "no reply"', () => {
    expect(decodeHeader(bytes('0100 0a00 24000000 10000000 00000000'), LIMIT).wantsReply).toBe(false);
  });

  it('accepts messages of 16 bytes up to the limit', () => {
    expect(decodeHeader(bytes('0100 0a00 00100000 00000000 00000000'), LIMIT).size).toBe(LIMIT);
    expect(decodeHeader(bytes('0100 0d00 10000000 00000000 00000000'), LIMIT).size).toBe(16);
  });

  it.each([
    ['a size below 16', '0100 0d00 0f000000 00000000 00000000', EINVAL, 'allowed 16 to 4096'],
    ['size 0', '0100 0d00 00000000 00000000 00000000', EINVAL, 'message size 0'],
    ['a size above the limit', '0100 0a00 01100000 00000000 00000000', EMSGSIZE, 'message size 4097'],
    ['the largest size', '0100 0a00 ffffffff 00000000 00000000', EMSGSIZE, 'message size 4294967295'],
    ['a reply', '0100 0d00 10000000 01000000 00000000', EINVAL, 'a reply (type 1)'],
    ['an unknown type', '0100 0d00 10000000 0f000000 00000000', EINVAL, 'type 15'],
  ])('throws a fatal error for %s', (_, header, errno, problem) => {
    const error = caught(() => decodeHeader(bytes(header), LIMIT));
    expect(error).toBeInstanceOf(MalformedMessage);
    expect(error).toMatchObject({ errno, fatal: true });
    expect(String(error)).toContain(problem);
  });

  it('reads a header in the middle of a larger buffer', () => {
    const within = bytes('ffffffff 0700 0d00 10000000 00000000 00000000').subarray(4);
    expect(decodeHeader(within, LIMIT).id).toBe(7);
    expect(peekHeader(within)).toEqual({ id: 7, command: 13 });
  });
});

describe('encodeReply and encodeErrorReply', () => {
  it('repeat id and command, set the reply bit and count the header in the size', () => {
    expect(text(encodeReply({ id: 0x1234, command: 3 }, bytes('aabbcc')))).toBe(
      text(bytes('3412 0300 13000000 01000000 00000000 aabbcc')),
    );
  });

  it('make of an error a header with the error bit and the error number', () => {
    expect(text(encodeErrorReply({ id: 0xffff, command: 99 }, EEXIST))).toBe(
      text(bytes('ffff 6300 10000000 21000000 11000000')),
    );
  });
});

it('commandName gives the name of a command, or its number', () => {
  expect(commandName(5)).toBe('DEVICE_GET_REGION_INFO');
  expect(commandName(99)).toBe('command 99');
});
