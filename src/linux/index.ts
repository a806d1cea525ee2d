/** The calls that a VMM makes to the Linux host, and their answers: from the model, or from a real kernel. */
export { campaignHost, iommusOf, type CampaignHost, type HostWish } from './campaign/campaign-host.ts';
export {
  compareWithModel,
  type HostCampaignEvent,
  type HostCampaignOptions,
  type HostCampaignResult,
} from './campaign/host-campaign.ts';
export type { HostFinding, HostObservation, HostRule } from './campaign/host-finding.ts';
export { observe } from './campaign/observe.ts';
export { SessionStore } from './campaign/session-store.ts';
export { installedKernels } from './boot/installed-kernels.ts';
export { decodeSession } from './session/decode-session.ts';
export { modelHost, type AnsweredSession, type HostTarget } from './host-target.ts';
export { LinuxHost, type LinuxHostOptions } from './kernel/linux-host.ts';
export { probeKernels, type KernelProbe } from './probe-kernels.ts';
export { SessionComparison, sessionInputs, sessionToJson, type SessionInput } from './session/index.ts';
