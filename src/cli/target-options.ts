import { Option, type Command } from 'commander';

const TARGETS = ['model', 'qemu'] as const;
/** How a real QEMU reaches the devices: see `InterfaceChoice`. */
const INTERFACES = ['vfio-user', 'kernel', 'both'] as const;

export type InterfaceChoice = (typeof INTERFACES)[number];

/** The option that says how a real QEMU reaches the devices. @param otherwise what holds without the option. */
export const interfaceOption = (otherwise: string): Option =>
  new Option(
    '--interface <name>',
    `on a real QEMU: devices of vfio-user servers, of the answered kernel interface, or both; default: ${otherwise}`,
  ).choices(INTERFACES);

/** The options that choose a target. */
export interface TargetOptions {
  readonly target: (typeof TARGETS)[number];
  readonly qemu?: string;
  readonly interface?: InterfaceChoice;
}

/** The options that choose what a search draws. */
export interface SearchSpaceOptions extends TargetOptions {
  readonly realistic?: boolean;
}

/** The option that leaves out what no machine shows as firmware sets it up. */
export const realisticOption = (): Option =>
  new Option('--realistic', 'draw only scenarios that a real machine can show, as firmware sets it up');

/** The option that says where QEMU is. */
export const qemuOption = (): Option =>
  new Option(
    '--qemu <path>',
    'a QEMU binary, or a folder with qemu-system-*; default: BARPROOF_QEMU, then PATH',
  );

/** The options that choose a target for single scenarios. */
export interface RunnerOptions extends TargetOptions {
  /** A patch file to put on the revision of each scenario. */
  readonly patch?: string;
}

/** The option that adds invariants of the user. */
export const pluginOption = (): Option =>
  new Option(
    '--plugin <file>',
    'judge the invariants of this file, too (defineInvariant); may be repeated',
  ).argParser((file: string, before: readonly string[] = []) => [...before, file]);

/** The option that adds invariants of the user. */
export interface PluginOptions {
  readonly plugin?: readonly string[];
}

const targetOption = (): Option =>
  new Option('--target <name>', 'run scenarios on the model, or on a real QEMU')
    .choices(TARGETS)
    .default('model');

/** The option of a command that also asks a real Linux kernel. */
export const targetOrLinuxOption = (): Option =>
  new Option(
    '--target <name>',
    'run scenarios on the model, or on a real QEMU; or compare the model of the Linux host with a real kernel',
  )
    .choices([...TARGETS, 'linux'])
    .default('model');

/** Adds the options that choose a target for single scenarios to a command. */
export const addRunnerOptions = (command: Command): Command =>
  addTargetOptions(command).option('--patch <file>', 'run them with this patch on their revision');

/** Adds the options that choose a target to a command. */
export const addTargetOptions = (command: Command, target: Option = targetOption()): Command =>
  command
    .addOption(target)
    .addOption(qemuOption())
    .addOption(
      interfaceOption('check and fuzz search with vfio-user, run and replay do as the scenario says'),
    );
