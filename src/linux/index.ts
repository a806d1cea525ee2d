/** The calls that a VMM makes to the Linux host, and their answers: from the model, or from a real kernel. */
export { modelHost, type AnsweredSession, type HostTarget } from './host-target.ts';
export { LinuxHost, type LinuxHostOptions } from './kernel/linux-host.ts';
export { probeKernels, type KernelProbe } from './probe-kernels.ts';
export { SessionComparison, sessionInputs, sessionToJson, type SessionInput } from './session/index.ts';
