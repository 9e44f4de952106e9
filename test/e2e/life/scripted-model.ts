import { openStandInModel, type StandInModel, type ToolCall } from '../../sidecar/stand-in-model.ts';

/** A key of the stand-in's own kind. */
export const makerKey = 'model-of-this-test';

const acts: readonly (readonly [RegExp, ToolCall])[] = [
  [/Remember this/, { tool: 'write', args: { path: 'MEMORY.md', content: 'The cat is called Miso.\n' } }],
  [/name of my cat/, { tool: 'read', args: { path: 'MEMORY.md' } }],
  [/ask for programs/, { tool: 'request_capability', args: { tools: ['exec'], why: 'to sort files' } }],
  [/Run a program/, { tool: 'exec', args: { command: 'echo "I am $(id -u)"' } }],
];

/** A model that does what it is told with the tools of the agent, and knows nothing but what the agent's OpenClaw tells it. */
export const openScriptedModel = (): Promise<StandInModel> =>
  openStandInModel((said, all) => {
    if (said.includes('Notice of the plane')) return 'noted';
    if (said.includes('Follow BOOTSTRAP.md')) {
      const fact = (name: string): string => new RegExp(`^- ${name}: (.*)$`, 'm').exec(all.split('## Facts')[1] ?? '')?.[1] ?? 'nobody';
      return `Hi ${fact('owner')}, I'm ${fact('name')}. I can ${fact('what you can do')}.`;
    }
    return acts.find(([words]) => words.test(said))?.[1] ?? `You said: ${said.slice(-200)}`;
  });
