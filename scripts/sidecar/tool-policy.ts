import type { Tool } from '../../shared/agent.ts';
import { requestTool } from './plugin.ts';
import { tools as allTools } from './vocabulary.ts';

interface Grant {
  /** OpenClaw's own words for what comes with this tool (docs gateway/config-tools/tool-policy.md of 2026.9.6). */
  readonly allow: readonly string[];
}

/** The one place where our words for tools become OpenClaw's; `shared/abilities.ts` says what that is good for. */
export const grants = {
  calendar: { allow: [] },
  crm: { allow: [] },
  email: { allow: [] },
  exec: { allow: ['exec', 'process'] },
  github: { allow: ['web_fetch'] },
  ssh: { allow: [] },
} as const satisfies Record<Tool, Grant>;

/** What every agent has: files in its own workspace, which its memory is made of, and a way to ask for more. */
const always = ['session_status', 'read', 'write', 'edit', requestTool];

/**
 * What no agent has, whatever its policy says: power over its own OpenClaw, over other sessions and over the host. The
 * `minimal` profile alone would leave `gateway`, whose `update.run` replaces OpenClaw.
 */
const never = [
  'gateway',
  'openclaw',
  'plugins',
  'secrets',
  'sessions_spawn',
  'code_execution',
  'group:automation',
  'group:nodes',
  'group:ui',
  'browser',
];

/** OpenClaw's `tools` section: `minimal` and what is allowed, all else denied by name as well, since a denial wins everywhere. */
export function toToolPolicy(tools: readonly Tool[]) {
  const allowed = new Set<string>(tools.flatMap((tool) => grants[tool].allow));
  const withheld = allTools.flatMap((tool) => grants[tool].allow).filter((name) => !allowed.has(name));
  const exec = allowed.has('exec');
  return {
    profile: 'minimal',
    alsoAllow: [...always, ...allowed],
    deny: [...new Set([...never, ...(exec ? [] : ['group:runtime']), ...withheld])],
    fs: { workspaceOnly: true },
    exec: exec ? { security: 'full', ask: 'off' } : { security: 'deny', ask: 'always' },
    elevated: { enabled: false },
    // The default hides tools behind a search of its own: the model is to see exactly what it has.
    toolSearch: false,
    agentToAgent: { enabled: false },
  };
}
