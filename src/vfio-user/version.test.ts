import { describe, expect, it } from 'vitest';
import { MalformedMessage } from './malformed-message.ts';
import { bytes, text } from './testing/bytes.ts';
import { decodeVersion, encodeVersion } from './version.ts';

const payload = (fixed: string, data: string): Uint8Array =>
  new Uint8Array([...bytes(fixed), ...new TextEncoder().encode(data)]);

/** The version data of QEMU 11.1.3 (vfio fact 10.4). */
const QEMU =
  '{"capabilities": {"pgsizes": 4096, "max_msg_fds": 16, "max_dma_maps": 65535, "max_data_xfer_size": 1048576, ' +
  '"migration": {"max_bitmap_size": 268435456, "pgsize": 4096}, "write_multiple": true}}\0';

describe('VERSION', () => {
  it('of QEMU 11.1.3 is accepted', () => {
    expect(decodeVersion(payload('0000 0000', QEMU))).toEqual({ minor: 0, maxMsgFds: 16 });
  });

  it.each([
    ['no data', ''],
    ['data without capabilities', '{}\0'],
    ['capabilities without descriptors', '{"capabilities":{"unknown":[1]}}\0'],
  ])('with %s stands for one descriptor a message', (_, data) => {
    expect(decodeVersion(payload('0000 0500', data))).toEqual({ minor: 5, maxMsgFds: 1 });
  });

  it('may announce that the client takes no descriptors', () => {
    expect(decodeVersion(payload('0000 0000', '{"capabilities":{"max_msg_fds":0}}\0')).maxMsgFds).toBe(0);
  });

  it.each([
    ['another major version', '0100 0000', '{}\0', 'major version 1, allowed 0'],
    ['half a version', '0000', '', 'payload of 2 bytes'],
    ['data without a NUL at its end', '0000 0000', '{}', 'does not end with NUL'],
    ['data that is not JSON', '0000 0000', 'hello\0', 'not JSON'],
    ['a NUL within the data', '0000 0000', '{}\0{}\0', 'not JSON'],
    ['data that is a list', '0000 0000', '[]\0', 'not an object'],
    ['data that is null', '0000 0000', 'null\0', 'not an object'],
    ['capabilities that are a number', '0000 0000', '{"capabilities":1}\0', 'not an object'],
    ['descriptors that are text', '0000 0000', '{"capabilities":{"max_msg_fds":"1"}}\0', 'max_msg_fds'],
    ['a negative number of descriptors', '0000 0000', '{"capabilities":{"max_msg_fds":-1}}\0', 'max_msg_fds'],
    ['half a descriptor', '0000 0000', '{"capabilities":{"max_msg_fds":1.5}}\0', 'max_msg_fds'],
    ['200000 nested lists', '0000 0000', `${'['.repeat(200_000)}\0`, 'not JSON'],
  ])('with %s ends the connection', (_, fixed, data, problem) => {
    let error: unknown;
    try {
      decodeVersion(payload(fixed, data));
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(MalformedMessage);
    expect(String(error)).toContain(problem);
    expect((error as MalformedMessage).fatal).toBe(true);
  });

  it('with bytes that are not UTF-8 ends the connection', () => {
    expect(() => decodeVersion(bytes('0000 0000 22ff22 00'))).toThrow('not JSON');
  });

  it("has a reply that is shorter than QEMU's request and holds 64 bits of page sizes", () => {
    const reply = encodeVersion({
      minor: 0,
      maxMsgFds: 8,
      maxDataXferSize: 1 << 20,
      pgsizes: 0x8000_0000_4020_1000n,
      maxDmaMaps: 65535,
    });
    expect(text(reply.subarray(0, 4))).toBe('00000000');
    expect(new TextDecoder().decode(reply.subarray(4))).toBe(
      '{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"pgsizes":9223372037930618880,"max_dma_maps":65535}}\0',
    );
    expect(reply.length).toBeLessThanOrEqual(4 + QEMU.length);
  });
});
