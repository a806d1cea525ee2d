/** The target cannot be used on this host; the message names what is missing and how to get it. */
export class TargetUnavailable extends Error {}
