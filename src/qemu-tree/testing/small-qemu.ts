import { execFileSync } from 'node:child_process';
import { SMALL_SOURCE } from './small-tree.ts';

/** A configure in the manner of QEMU's: it knows some options, and writes build.ninja. ppc64 has a file of its own. */
const CONFIGURE = `#!/bin/sh
cc=cc
for word; do
  case $word in
    --cc=*) cc=\${word#--cc=} ;;
    --extra-ldflags=*) ldflags="$ldflags \${word#--extra-ldflags=}" ;;
    --extra-cflags=*) cflags=\${word#--extra-cflags=} ;;
    --without-default-devices) few=-DFEW ;;
    --target-list=*) targets=\${word#--target-list=} ;;
    --with-devices-* | --disable-* | --enable-kvm | --enable-tcg | -D*) ;;
    *) echo "ERROR: unknown option \${word%%=*}"; exit 1 ;;
  esac
done
mkdir -p libsystem.a.p
cat >build.ninja <<NINJA
rule cc
  command = $cc $cflags $few -MD -MF \\$out.d -c \\$in -o \\$out
  depfile = \\$out.d
  deps = gcc
  description = Compiling C object \\$out
rule link
  command = $cc \\$in $ldflags -o \\$out
  description = Linking target \\$out
build libsystem.a.p/hw_vfio_pci.c.o: cc ../hw/vfio/pci.c
build libsystem.a.p/main.c.o: cc ../main.c
NINJA
for target in $(echo $targets | tr , ' '); do
  objects="libsystem.a.p/hw_vfio_pci.c.o libsystem.a.p/main.c.o"
  if [ $target = ppc64-softmmu ]; then
    object=libqemu-$target.a.p/hw_vfio_spapr.c.o
    objects="$objects $object"
    echo "build $object: cc ../hw/vfio/spapr.c" >>build.ninja
  fi
  echo "build qemu-system-\${target%-softmmu}: link $objects" >>build.ninja
done
`;

const PCI = `#include "pci.h"

int pci_value(void)
{
    return VALUE;
}

#ifndef FEW
int with_many_devices(void)
{
    return 1;
}
#endif
`;

const SPAPR = `int spapr_window(void);

int spapr_window(void)
{
    return 4;
}
`;

const MAIN = `#include <stdio.h>
#include "hw/vfio/pci.h"

int main(void)
{
    printf("%d\\n", pci_value());
    return 0;
}
`;

/** The files of a small program that is configured and built as QEMU is: it prints the number 7. */
export const SMALL_QEMU: Readonly<Record<string, string>> = {
  ...SMALL_SOURCE,
  README: 'x\n',
  configure: CONFIGURE,
  'hw/vfio/pci.c': PCI,
  'hw/vfio/pci.h': '#define VALUE 7\nint pci_value(void);\nint with_many_devices(void);\n',
  'hw/vfio/spapr.c': SPAPR,
  'hw/vfio/meson.build': "vfio_ss.add(when: 'CONFIG_PSERIES', if_true: files('spapr.c'))\n",
  'main.c': MAIN.replace('"hw/vfio', '"./hw/vfio'),
  'pc-bios/bios-256k.bin': 'a BIOS',
  'pc-bios/slof.bin': 'firmware of pseries',
};

/** Why the small program cannot be built here. */
export function whyNoBuild(): string | undefined {
  for (const tool of ['cc', 'ninja', 'git', 'nm']) {
    try {
      execFileSync(tool, ['--version'], { stdio: 'ignore' });
    } catch {
      return `there is no ${tool}`;
    }
  }
  return undefined;
}
