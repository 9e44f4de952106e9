import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { agentIdSchema } from '../../../shared/agent.ts';
import { PlaneError } from '../../core/errors.ts';
import type { Json } from '../../core/surroundings.ts';
import { replaceFile } from './machine-files.ts';
import { codeOf, isMissing } from './system-error.ts';

/*
 * The folder that is one agent's machine. Root (or, without separate users, the plane's user) owns it; what the agent may
 * write lies in folders of its own:
 *
 *   machine.json   what the provider and the sidecar know of it, no secret          root 0600
 *   run/           session, port, marks, logs                                       root 0700
 *   config/        openclaw.json, which the agent reads and cannot change           root:agent 0750
 *   door/          the socket on which the sidecar hands out secrets                root:agent 0710
 *   resolver       what OpenClaw runs to ask for a secret                           agent 0500
 *   home/ state/ workspace/ tmp/                                                    agent 0700
 */

export * from './machine-files.ts';

const jsonSchema: z.ZodType<Json> = z.json();

const openclawSchema = z.object({ version: z.string(), node: z.string(), entry: z.string() });

export const machineSchema = z.object({
  planeId: z.string(),
  agentId: agentIdSchema,
  machineType: z.string(),
  region: z.string(),
  diskSizeGb: z.number(),
  image: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  /** The agent's uid and gid; absent where agents share the plane's own user. */
  uid: z.int().optional(),
  /** The Node and the OpenClaw of this host, known once installed. */
  openclaw: openclawSchema.optional(),
  /** The version that it is to come up with; the host's own unless said. */
  version: z.string().optional(),
  /** Further versions of OpenClaw that the plane has named for this machine and the host holds. */
  offers: z.array(openclawSchema).optional(),
  /** Channels that OpenClaw's base installation does not bring, as this host holds them. */
  plugins: z.array(z.object({ channel: z.string(), openclaw: z.string(), folder: z.string() })).optional(),
  /** Handed through to the sidecar. */
  environment: jsonSchema,
});
export type Machine = z.infer<typeof machineSchema>;

const ownFolders = ['home', 'state', 'workspace', 'tmp'] as const;
const sharedFolders = { config: 0o750, door: 0o710 } as const;

export const writeMachine = (folder: string, machine: Machine): void =>
  replaceFile(join(folder, 'machine.json'), `${JSON.stringify(machine, undefined, 2)}\n`, { mode: 0o600 });

/** Answers `undefined` when there is no such folder. */
export function readMachine(folder: string): Machine | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, 'machine.json'), 'utf8');
  } catch (error) {
    if (isMissing(error) && !existsSync(folder)) return undefined;
    throw new PlaneError('internal', `cannot read machine ${folder}: its machine.json is missing; remove the folder`, { cause: error });
  }
  const parsed = machineSchema.safeParse(text === '' ? undefined : JSON.parse(text));
  if (!parsed.success) {
    throw new PlaneError('internal', `cannot read machine ${folder}: its machine.json is broken; remove the folder`, {
      cause: parsed.error,
    });
  }
  return parsed.data;
}

const draftName = (agentId: string): string => `.new-${agentId}-${randomBytes(6).toString('hex')}`;
const trashName = (agentId: string): string => `.gone-${agentId}-${randomBytes(6).toString('hex')}`;

/** Makes the whole tree under another name first, so that a machine's folder is there complete or not at all. */
export function makeFolder(machinesDir: string, machine: Machine): void {
  mkdirSync(machinesDir, { recursive: true });
  // Agents pass through to their own folder and list nothing.
  chmodSync(machinesDir, 0o711);
  const draft = join(machinesDir, draftName(machine.agentId));
  const { uid } = machine;
  const make = (name: string, mode: number, owner: number | undefined, group: number | undefined): void => {
    const path = join(draft, name);
    mkdirSync(path);
    if (owner !== undefined && group !== undefined) chownSync(path, owner, group);
    chmodSync(path, mode);
  };
  mkdirSync(draft, { mode: 0o711 });
  chmodSync(draft, 0o711);
  make('run', 0o700, undefined, undefined);
  for (const name of ownFolders) make(name, 0o700, uid, uid);
  for (const [name, mode] of Object.entries(sharedFolders)) make(name, mode, process.geteuid?.(), uid);
  writeMachine(draft, machine);
  try {
    renameSync(draft, join(machinesDir, machine.agentId));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process was quicker: its folder is as good as ours.
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  }
}

/** Takes the folder out of every listing at once and then destroys it. Absence is fine. */
export async function destroyFolder(machinesDir: string, agentId: string): Promise<void> {
  try {
    renameSync(join(machinesDir, agentId), join(machinesDir, trashName(agentId)));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await sweepTrash(machinesDir, agentId);
}

/** Removes what an earlier process moved away and did not get to destroy. */
export async function sweepTrash(machinesDir: string, agentId: string): Promise<void> {
  for (const name of listNames(machinesDir)) {
    if (name.startsWith(`.gone-${agentId}-`) || name.startsWith(`.new-${agentId}-`))
      await rm(join(machinesDir, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

export const listFolders = (machinesDir: string): string[] =>
  listNames(machinesDir).filter((name) => agentIdSchema.safeParse(name).success);

function listNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
