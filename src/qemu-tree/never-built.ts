/** Folders of which no file becomes part of a QEMU, and files that are text for people or for services. */
const NEVER_BUILT =
  /^(?:docs|tests|\.gitlab-ci\.d|\.github|scripts\/ci)\/|\.(?:rst|md|txt)$|^(?:MAINTAINERS|LICENSE|COPYING[^/]*|\.[^/]+)$/;

/** Whether a change to a file of a source leaves QEMU as it is in every configuration. @param path in the source. */
export const isNeverBuilt = (path: string): boolean => NEVER_BUILT.test(path);
