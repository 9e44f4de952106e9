import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { parsePlane, type Plane } from '../shared/plane.ts';
import { toSentence } from '../shared/problem.ts';
import { PlaneError, toMessage } from './core/errors.ts';

/** Reads a planes.yaml; all that is wrong comes in one message. `remedy` says how to name another file. */
export function readPlane(file: string, remedy: string): Plane {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; ${remedy}`, { cause });
  }
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw new PlaneError('invalid', `cannot read ${file}: ${fault.message.split('\n')[0] ?? 'it is not YAML'}`);
  const parsed = parsePlane(document.toJS());
  if (parsed.ok) return parsed.value;
  throw new PlaneError('invalid', `cannot use ${file}:\n${parsed.problems.map((problem) => `  ${toSentence(problem)}`).join('\n')}`);
}
