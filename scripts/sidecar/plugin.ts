import { mkdirSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { channels, tools } from './vocabulary.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';

/*
 * The one tool that the plane gives an agent beyond OpenClaw's own, as a plugin that OpenClaw loads from the machine's folder
 * (docs plugins/tool-plugins.md of 2026.9.6). A plugin and not an MCP server: a stdio server is one more process for each agent,
 * and a server on a loopback port could be posed as by another agent while the sidecar is down. The files are the plane's; the
 * agent reads them and cannot change them.
 */

export const pluginId = 'agents-plane';
export const requestTool = 'request_capability';
export const pluginFolder = (folder: string): string => join(folder, 'plugin');

/** Relative to the machine's folder, in which only the agent's group may enter `door/`. */
export const requestSocket = 'door/requests.sock';

const parameters = {
  type: 'object',
  additionalProperties: false,
  required: ['why'],
  properties: {
    tools: { type: 'array', items: { type: 'string', enum: tools }, description: 'Tools to ask for; leave out for none.' },
    channels: { type: 'array', items: { type: 'string', enum: channels }, description: 'Channels to ask for; leave out for none.' },
    why: { type: 'string', maxLength: 500, description: 'What the owner wants it for, in one or two sentences for the admin.' },
  },
};

const description =
  'Ask an admin for tools or channels that you do not have, on behalf of your owner and only when your owner wants it. ' +
  'The admin decides later; you are told what was decided. It changes nothing by itself.';

const patienceMs = 30_000;
const longestAnswer = 16_384;

/**
 * OpenClaw runs a copy of it in another place, so it is told where the machine's folder is. A socket's path has at most 107 bytes,
 * and the gateway's working directory is the workspace beside `door/`.
 */
const program = `import { createConnection } from 'node:net';
import { join, relative } from 'node:path';

const ask = (folder, question) =>
  new Promise((resolve, reject) => {
    const socket = createConnection(relative(process.cwd(), join(folder, '${requestSocket}')));
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(${patienceMs}, () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.length > ${longestAnswer}) socket.destroy(new Error('the answer is too long'));
    });
    socket.on('end', () => resolve(answer));
    socket.end(JSON.stringify(question));
  });

export default {
  id: '${pluginId}',
  name: 'Agents Plane',
  description: 'Lets the agent ask an admin for more',
  register(api) {
    api.registerTool({
      name: '${requestTool}',
      label: 'Ask an admin',
      description: ${JSON.stringify(description)},
      parameters: ${JSON.stringify(parameters)},
      async execute(_id, { tools = [], channels = [], why }) {
        const text = await ask(api.pluginConfig.folder, { tools, channels, why }).catch((error) => 'The request could not be sent: ' + error.message + '. Try again later.');
        return { content: [{ type: 'text', text }], details: {} };
      },
    });
  },
};
`;

const files: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: pluginId,
    version: '1.0.0',
    private: true,
    type: 'module',
    openclaw: { extensions: ['./index.js'] },
  }),
  'openclaw.plugin.json': JSON.stringify({
    id: pluginId,
    name: 'Agents Plane',
    description: 'Lets the agent ask an admin for more',
    categories: ['other'],
    activation: { onStartup: false },
    contracts: { tools: [requestTool] },
    configSchema: { type: 'object', additionalProperties: false, required: ['folder'], properties: { folder: { type: 'string' } } },
  }),
  'index.js': program,
};

/** Lays the plugin down; writes nothing where it lies already. */
export function writePlugin(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o755 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(home, name);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) replaceFile(path, text, { mode: 0o644 });
  }
}
