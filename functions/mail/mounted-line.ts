import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWith } from '../../shared/plane.ts';
import { toSentence } from '../../shared/problem.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import { createMailLine, mailConfigSchema, type LineSurroundings, type MailLine } from './mail-config.ts';

/** The mail line that a JSON file names, with its passwords read from files of the names it gives, each time they are needed. */
export function openMountedLine(
  { file, secretsDir }: { readonly file: string; readonly secretsDir: string },
  request: LineSurroundings['request'],
): MailLine | undefined {
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; name a JSON file with MAIL_FILE`);
  }
  const parsed = parseWith(mailConfigSchema, input);
  if (!parsed.ok) throw new PlaneError('invalid', `cannot use ${file}: ${parsed.problems.map(toSentence).join('; ')}`);
  const secret = async (name: string): Promise<string> => (await readFile(join(secretsDir, name), 'utf8')).trimEnd();
  return createMailLine(parsed.value, { request, secret, stay: false });
}
