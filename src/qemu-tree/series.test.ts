import { describe, expect, it } from 'vitest';
import { filesOf, isSeries, readSeries } from './series.ts';
import { mail, PATCH } from './testing/mails.ts';

describe('isSeries tells C patches by their content', () => {
  it.each([
    ['a diff', PATCH, true],
    ['a mail', mail('[PATCH] hw/vfio: x'), true],
    ['a patch file of the model', "export default definePatch({ base: 'qemu-11.1' });\n", false],
    [
      'a patch file with a comment that quotes a diff',
      '/*\n * --- a/x\n * +++ b/x\n * @@ -1 +1 @@\n */\n',
      false,
    ],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(isSeries(text)).toBe(expected);
  });
});

describe('readSeries', () => {
  it('reads a plain diff, which has no subject', () => {
    const series = readSeries(PATCH);
    expect(series.subject).toBeUndefined();
    expect(filesOf(series)).toEqual(['hw/vfio/pci.c']);
    expect(series.patches[0]!.diff.text).toBe(PATCH);
  });

  it('reads subject and base of a mail, and leaves its signature out', () => {
    const text = mail('[PATCH v2] hw/vfio: a\n longer subject', {
      after: `base-commit: ${'ab'.repeat(20)}\n-- \n2.43.0\n`,
    });
    const series = readSeries(text);
    expect(series).toMatchObject({ subject: 'hw/vfio: a longer subject', baseCommit: 'ab'.repeat(20) });
    expect(series.patches[0]!.diff.text).toBe(PATCH);
  });

  it('names the commit of a git show', () => {
    const shown = `commit ${'a'.repeat(40)}\nAuthor: A <a@b>\n\n    hw/vfio: what it does\n\n    Why.\n\n${PATCH}`;
    expect(readSeries(shown).subject).toBe('hw/vfio: what it does');
  });

  it('applies the patches of a series by their numbers, and leaves cover letter and answers out', () => {
    const text = [
      mail('[PATCH 2/2] second', { file: 'b.c' }),
      mail('[PATCH 0/2] the series', { diff: '' }),
      mail('Re: [PATCH 1/2] first', { diff: PATCH.replaceAll(/^/gm, '> ') }),
      mail('[PATCH 1/2] first', { file: 'a.c' }),
    ].join('\n');
    const series = readSeries(text);
    expect(series.subject).toBe('the series');
    expect(series.patches.map(({ subject }) => subject)).toEqual(['first', 'second']);
    expect(filesOf(series)).toEqual(['a.c', 'b.c']);
  });

  it('names the first patch where the cover letter has no subject yet', () => {
    const text = [mail('[PATCH 0/1] *** SUBJECT HERE ***', { diff: '' }), mail('[PATCH 1/1] first')].join(
      '\n',
    );
    expect(readSeries(text).subject).toBe('first');
  });

  it('takes the newest version of a series', () => {
    const text = [
      mail('[PATCH 1/1] old', { file: 'old.c' }),
      mail('[PATCH v3 1/1] new', { file: 'new.c' }),
    ].join('\n');
    expect(filesOf(readSeries(text))).toEqual(['new.c']);
  });

  it('decodes quoted-printable, base64 and encoded subjects', () => {
    const quoted = mail('=?UTF-8?q?[PATCH]_gr=C3=B6=C3=9Fer?=', {
      headers: 'Content-Transfer-Encoding: quoted-printable\n',
      diff: PATCH.replaceAll('=', '=3D').replace('new_name', 'new_=\nname'),
    });
    expect(readSeries(quoted)).toMatchObject({ subject: 'größer', patches: [{ diff: { text: PATCH } }] });
    const encoded = Buffer.from(`Why.\n\n${PATCH}`)
      .toString('base64')
      .replaceAll(/(.{60})/g, '$1\n');
    const inBase64 = mail('[PATCH] x', {
      headers: 'Content-Transfer-Encoding: base64\n',
      before: '',
      diff: encoded,
    });
    expect(readSeries(inBase64).patches[0]!.diff.text).toBe(PATCH);
  });

  it('takes an attached patch', () => {
    const body = [
      '--xx',
      'Content-Type: text/plain',
      '',
      'see below',
      '--xx',
      'Content-Type: text/x-patch',
      '',
      PATCH,
      '--xx--',
    ];
    const text = mail('a fix', {
      headers: 'Content-Type: multipart/mixed; boundary="xx"\n',
      before: '',
      diff: body.join('\n'),
    });
    expect(filesOf(readSeries(text))).toEqual(['hw/vfio/pci.c']);
  });

  it('takes lines that end as on Windows', () => {
    expect(readSeries(mail('[PATCH] x').replaceAll('\n', '\r\n')).patches[0]!.diff.text).toBe(PATCH);
  });

  it('has the same digest for the same changes in other mails', () => {
    expect(readSeries(mail('[PATCH] x')).digest).toBe(readSeries(PATCH).digest);
    expect(readSeries(PATCH.replace('new_name', 'other_name')).digest).not.toBe(readSeries(PATCH).digest);
  });

  it.each([
    ['no diff', mail('[PATCH] x', { diff: '' }), 'there is no diff'],
    ['a binary file', `\0${PATCH}`, 'this is a binary file'],
    [
      'a missing patch',
      [mail('[PATCH 1/3] a'), mail('[PATCH 3/3] c')].join('\n'),
      'of 3 patches, these are missing: 2',
    ],
    ['a patch twice', [mail('[PATCH 1/2] a'), mail('[PATCH 1/2] b')].join('\n'), 'patch 1/2 is there twice'],
    [
      'an unknown encoding',
      mail('[PATCH] x', { headers: 'Content-Transfer-Encoding: x-uue\n' }),
      '"x-uue" is not known',
    ],
  ])('refuses a text with %s', (_, text, message) => {
    expect(() => readSeries(text)).toThrow(message);
  });
});
