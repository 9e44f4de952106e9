import { PlaneError } from '../../functions/core/errors.ts';
import { createClient } from '../client.ts';
import { command, type Call } from './command.ts';
import { mintToken, readContexts, writeContexts, type Context } from './connection.ts';
import { on, text } from './flags.ts';
import { show, toTable } from './output.ts';

const flags = {
  name: text('--name <context>', 'what to call it; its host unless said'),
  audience: text('--audience <audience>', 'whom tokens are for; gcloud names one for service accounts alone'),
  serviceAccount: text('--service-account <address>', 'sign in as a service account that you may impersonate'),
  tokenCommand: text('--token-command <line>', 'a line of shell that writes a Google ID token, instead of gcloud'),
  plane: text('--plane <name>', 'the plane that is meant where none is named'),
  list: on('--list', 'show the planes that are known'),
  use: text('--use <context>', 'talk to this one from now on'),
  forget: text('--forget <context>', 'forget this one'),
} as const;

const word = /^[\w@.:/+=-]+$/;
function quoted(text: string): string {
  if (word.test(text)) return text;
  throw new PlaneError('invalid', `cannot pass ${text} to gcloud; allowed: letters, digits and @ . : / + = - _`);
}

/** gcloud gives a person's token without any audience of theirs: https://cloud.google.com/sdk/gcloud/reference/auth/print-identity-token */
function toTokenCommand({ audience, serviceAccount }: { audience?: string | undefined; serviceAccount?: string | undefined }): string {
  const account = serviceAccount === undefined ? [] : [`--impersonate-service-account=${quoted(serviceAccount)}`, '--include-email'];
  return ['gcloud auth print-identity-token', ...account, ...(audience === undefined ? [] : [`--audiences=${quoted(audience)}`])].join(' ');
}

function listContexts({ output, surroundings }: Call): void {
  const { current, contexts } = readContexts(surroundings);
  show(output, { current, contexts }, () => {
    const rows = Object.entries(contexts).map(([name, { url, plane, tokenCommand }]) => [
      ...[name === current ? '*' : '', name, url, plane ?? '', tokenCommand],
    ]);
    if (rows.length > 0) return toTable(['NOW', 'NAME', 'ADDRESS', 'PLANE', 'TOKEN FROM'], rows);
    return 'No plane is connected: the one that runs in .plane is meant. `planes connect <address>` connects another.';
  });
}

function pick({ output, surroundings }: Call, name: string, keep: boolean): void {
  const { current, contexts } = readContexts(surroundings);
  if (!contexts[name]) throw new PlaneError('notFound', `cannot find context ${name}; \`planes connect --list\` shows those there are`);
  const left = Object.fromEntries(Object.entries(contexts).filter(([key]) => keep || key !== name));
  const next = keep ? name : current === name ? null : current;
  writeContexts({ current: next, contexts: left }, surroundings);
  show(output, { current: next }, () => (keep ? `From now on: ${name}.` : `${name} is forgotten.`));
}

export const connect = command({
  path: 'connect',
  summary: 'point this command line at a plane, and say how to sign in there',
  argument: { spec: '[address]', description: 'of the plane, such as https://planes.acme.com' },
  flags,
  changes: true,
  examples: [
    'planes connect https://planes.acme.com',
    'planes connect https://planes.acme.com --service-account ops@acme.iam.gserviceaccount.com --audience https://planes.acme.com',
    'planes connect --use planes.acme.com',
  ],
  async run(call, { name, tokenCommand, plane, list, use, forget, ...google }, address) {
    const { output, surroundings, dryRun } = call;
    if (list || (address === undefined && use === undefined && forget === undefined)) return listContexts(call);
    if (use !== undefined) return pick(call, use, true);
    if (forget !== undefined) return pick(call, forget, false);
    const url = URL.parse(address ?? '');
    if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
      throw new PlaneError('invalid', `cannot connect to ${address}: that is no address; allowed: one such as https://planes.acme.com`);
    }
    const context: Context = {
      ...{ url: url.origin, tokenCommand: tokenCommand ?? toTokenCommand(google) },
      ...(plane === undefined ? {} : { plane }),
    };
    const key = name ?? url.host;
    if (dryRun) return show(output, context, () => `Would connect ${key} by \`${context.tokenCommand}\`. Nothing was changed.`);
    const me = await createClient({ url: url.origin, token: await mintToken(context, surroundings) })('me');
    const { contexts } = readContexts(surroundings);
    writeContexts({ current: key, contexts: { ...contexts, [key]: context } }, surroundings);
    show(output, { name: key, ...context, ...me }, () => `Connected to ${key} as ${me.email} (${me.roles.join(', ') || 'no role'}).`);
  },
});
