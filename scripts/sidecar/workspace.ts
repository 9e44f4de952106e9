import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment } from '../../shared/sidecar.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { toWorkspaceFiles } from './templates.ts';

const seededMark = (folder: string): string => join(folder, 'run', 'seeded');
const bootstrapOf = (folder: string): string => join(folder, 'workspace', 'BOOTSTRAP.md');

/**
 * Writes an agent's first files, once in its life. It runs before the agent's first process does: later the workspace belongs
 * to the agent, and we write nothing where it could have laid a link.
 */
export function seedWorkspace(folder: string, assignment: Assignment, uid: number | undefined): void {
  if (existsSync(seededMark(folder))) return;
  for (const [name, text] of Object.entries(toWorkspaceFiles(assignment))) {
    const path = join(folder, 'workspace', name);
    writeFileSync(path, text, { mode: 0o600 });
    if (uid !== undefined) chownSync(path, uid, uid);
  }
  replaceFile(seededMark(folder), '', { mode: 0o600 });
}

/** BOOTSTRAP.md is in every prompt for as long as it exists; removing a name follows no link. */
export const removeBootstrap = (folder: string): void => rmSync(bootstrapOf(folder), { force: true });
