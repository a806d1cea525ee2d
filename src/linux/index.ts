/** The calls that a VMM makes to the Linux host, and their answers: from the model, or from a real kernel. */
export { modelHost, type AnsweredSession, type HostTarget } from './host-target.ts';
export { LinuxHost, type LinuxHostOptions } from './kernel/linux-host.ts';
export { Comparison } from './session/comparison.ts';
export { readSession, readSessions, type ReadSession } from './session/read-sessions.ts';
export { sessionToJson } from './session/session-json.ts';
export { probeKernels, type KernelProbe } from './probe-kernels.ts';
