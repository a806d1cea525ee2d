/** A diff of our own. */
export const PATCH = `diff --git a/hw/vfio/pci.c b/hw/vfio/pci.c
index 1111111111..2222222222 100644
--- a/hw/vfio/pci.c
+++ b/hw/vfio/pci.c
@@ -10,3 +10,3 @@ static void f(void)
 before
-old_name
+new_name
 after
`;

/** The parts of a mail that a test changes. */
interface MailParts {
  /** The file that its patch changes. */
  readonly file?: string;
  readonly headers?: string;
  readonly before?: string;
  readonly diff?: string;
  readonly after?: string;
}

/** A mail with a patch, as git format-patch writes it. */
export const mail = (
  subject: string,
  {
    file = 'hw/vfio/pci.c',
    headers = '',
    before = 'Why.\n\n---\n',
    diff = PATCH,
    after = '-- \n2.43.0\n',
  }: MailParts = {},
): string =>
  `From ${'0'.repeat(40)} Mon Sep 17 00:00:00 2001
From: A <a@b>
Date: Mon, 30 Nov 2026 12:00:00 +0000
Subject: ${subject}
${headers}
${before}${diff.replaceAll('hw/vfio/pci.c', file)}${after}
`;
