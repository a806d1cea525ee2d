import { Option, type Command } from 'commander';

const TARGETS = ['model', 'qemu'] as const;

/** The options that choose a target. */
export interface TargetOptions {
  readonly target: (typeof TARGETS)[number];
  readonly qemu?: string;
}

/** Adds the options that choose a target to a command. */
export const addTargetOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--target <name>', 'run scenarios on the model, or on a real QEMU')
        .choices(TARGETS)
        .default('model'),
    )
    .option(
      '--qemu <path>',
      'a QEMU binary, or a folder with qemu-system-*; default: BARPROOF_QEMU, then PATH',
    );
