import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { parsePlane, type Plane } from '../../shared/plane.ts';
import { toSentence } from '../../shared/problem.ts';

const wanted = { identity: 'google-workspace', infrastructure: 'local', secrets: 'local', networking: 'direct' } as const;

/** Reads a planes.yaml for the embedded plane; all that is wrong comes in one message and nothing is started. */
export function readPlaneFile(file: string): Plane {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; name a planes.yaml with --config`, { cause });
  }
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw new PlaneError('invalid', `cannot read ${file}: ${fault.message.split('\n')[0] ?? 'it is not YAML'}`);
  const parsed = parsePlane(document.toJS());
  if (!parsed.ok)
    throw new PlaneError('invalid', `cannot use ${file}:\n${parsed.problems.map((problem) => `  ${toSentence(problem)}`).join('\n')}`);
  const { spec } = parsed.value;
  const foreign = Object.entries(wanted).filter(([kind, name]) => spec[kind as keyof typeof wanted].provider !== name);
  if (foreign.length > 0) {
    const list = foreign.map(
      ([kind, name]) => `  spec.${kind}.provider: found ${JSON.stringify(spec[kind as keyof typeof wanted].provider)}; allowed: ${name}`,
    );
    throw new PlaneError('invalid', `cannot run ${file} on this machine:\n${list.join('\n')}`);
  }
  return parsed.value;
}
