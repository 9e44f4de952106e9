import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A program that looks to the sidecar like `openclaw gateway`, in a tenth of a second: reads the config, asks the resolver,
 * answers health and chat. `state/behaviour.json` makes it misbehave, all of it or under a key one version: `{ "exit": 78 }`,
 * `{ "issues": […] }` for its config, `{ "unready": true }` for a broken channel, `{ "error": 500 }` or
 * `{ "silent": true }` for chats.
 */
const program = `
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
const { OPENCLAW_STATE_DIR: state, OPENCLAW_CONFIG_PATH: path } = process.env;
const version = import.meta.filename.split('openclaw-')[1].replace('.mjs', '');
const behaviour = () => {
  const all = existsSync(state + '/behaviour.json') ? JSON.parse(readFileSync(state + '/behaviour.json', 'utf8')) : {};
  return { ...all, ...all[version] };
};
const config = () => JSON.parse(readFileSync(path, 'utf8'));
if (process.argv[2] === 'config') {
  const { issues } = behaviour();
  console.log(JSON.stringify({ valid: !issues, issues }));
  process.exit(issues ? 1 : 0);
}
appendFileSync(state + '/starts', process.pid + '\\n');
appendFileSync(state + '/versions', version + '\\n');
if (behaviour().exit !== undefined) process.exit(behaviour().exit);
const ask = (ids) => JSON.parse(execFileSync(config().secrets.providers.plane.command, { input: JSON.stringify({ protocolVersion: 1, provider: 'plane', ids }) })).values;
const token = ask(['gateway/token', 'model/apiKey', 'join/1-1']);
appendFileSync(state + '/given', Object.keys(token).join(' ') + '\\n');
createServer((request, response) => {
  const say = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/healthz') return say(200, { ok: true, status: 'live' });
  if (request.url === '/startupz') return say(200, { status: 'started' });
  if (request.url === '/readyz') return say(behaviour().unready ? 503 : 200, { ready: !behaviour().unready });
  if (request.url === '/v1/models') return say(request.headers.authorization === 'Bearer ' + token['gateway/token'] ? 200 : 401, {});
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    if (request.headers.authorization !== 'Bearer ' + token['gateway/token']) return say(401, {});
    if (behaviour().silent) return;
    if (behaviour().error !== undefined) return say(behaviour().error, {});
    const { model, messages } = JSON.parse(body);
    const content = [model, request.headers['x-openclaw-session-key'], messages[0].content].join(' | ');
    say(200, { choices: [{ message: { role: 'assistant', content } }] });
  });
}).listen(config().gateway.port, '127.0.0.1');
`;

/** Writes it into a folder and answers what an installation would. */
export function installStandIn(folder: string, version = '1.0.0') {
  const entry = join(folder, `openclaw-${version}.mjs`);
  writeFileSync(entry, program, { mode: 0o644 });
  const openclaw = { version, node: process.execPath, entry };
  return { ready: () => openclaw, ensure: async () => openclaw };
}
