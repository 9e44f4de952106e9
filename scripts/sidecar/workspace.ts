import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment } from '../../shared/sidecar.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import type { AsAgent } from './as-agent.ts';
import { toWorkspaceFiles } from './templates.ts';

const seededMark = (folder: string): string => join(folder, 'run', 'seeded');
const bootstrapOf = (folder: string): string => join(folder, 'workspace', 'BOOTSTRAP.md');

/**
 * Writes an agent's first files, once in its life. It runs before the agent's first process does: later the workspace belongs
 * to the agent, and we write nothing where it could have laid a link.
 */
export async function seedWorkspace(folder: string, assignment: Assignment, agent: Pick<AsAgent, 'write'>): Promise<void> {
  if (existsSync(seededMark(folder))) return;
  for (const [name, text] of Object.entries(toWorkspaceFiles(assignment))) {
    await agent.write(join(folder, 'workspace', name), text);
  }
  replaceFile(seededMark(folder), '', { mode: 0o600 });
}

/** BOOTSTRAP.md is in every prompt for as long as it exists. */
export const removeBootstrap = (folder: string, agent: Pick<AsAgent, 'remove'>): Promise<void> => agent.remove(bootstrapOf(folder));
