import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { readIfPresent } from '../../functions/files.ts';

/** Which script of Google\u2019s is the add-on, and which plane it speaks to. */
const targetSchema = z.strictObject({
  scriptId: z.string().regex(/^[\w-]{10,}$/, 'the id in the address of the script\u2019s editor'),
  /** The versioned deployment that people have installed: every version goes to the same one. */
  deploymentId: z
    .string()
    .regex(/^[\w-]{10,}$/, 'as `npx clasp list-deployments` names it')
    .optional(),
  /** The plane\u2019s public address. */
  backendUrl: z.url(),
});
export type Target = z.infer<typeof targetSchema> & { readonly auth: string | undefined; readonly description: string | undefined };

/** Ids of a company\u2019s own belong into no repository. */
export const defaultFile = (): string => join(homedir(), '.config', 'agents-plane', 'addon.json');

const options = {
  config: { type: 'string' },
  'script-id': { type: 'string' },
  'deployment-id': { type: 'string' },
  'backend-url': { type: 'string' },
  auth: { type: 'string' },
  description: { type: 'string' },
} as const;

function readTargetFile(file: string): object {
  const found = readIfPresent(file);
  if (!found) return {};
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(found.toString()));
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; mend it, or give the ids as options`, { cause });
  }
}

/** Options win over the file. Everything that is wrong is said at once. */
export function readTarget(args: readonly string[]): Target {
  const { values } = parseArgs({ args: [...args], options, strict: true });
  const file = values.config ?? defaultFile();
  const said = { scriptId: values['script-id'], deploymentId: values['deployment-id'], backendUrl: values['backend-url'] };
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const read = targetSchema.safeParse({ ...readTargetFile(file), ...given });
  if (read.success) return { ...read.data, auth: values.auth, description: values.description };
  const facts = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  const remedy = `write scriptId, deploymentId and backendUrl into ${file}, or give --script-id, --deployment-id and --backend-url`;
  throw new PlaneError('invalid', `cannot push add-on: ${facts}; ${remedy}`);
}
