import { describe, expect, it, vi } from 'vitest';
import { doctorCommand } from './doctor-command.ts';
import { ExitCode } from './exit-code.ts';

describe('barproof doctor', () => {
  it('exits with 0 without a QEMU, for the model can run', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const codes: ExitCode[] = [];
      await doctorCommand((code) => codes.push(code)).parseAsync(['--qemu', '/nowhere'], { from: 'user' });
      expect(codes).toEqual([ExitCode.HOLDS]);
      expect(write.mock.calls.flat().join('')).toContain('QEMU target: not available because');
    } finally {
      write.mockRestore();
    }
  });
});
