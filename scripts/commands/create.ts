import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { apiVersion, parsePlane, type Plane } from '../../shared/plane.ts';
import { toSentence } from '../../shared/problem.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { command } from './command.ts';
import { text, type Values } from './flags.ts';
import { show } from './output.ts';

const flags = {
  name: text('--name <plane>', 'its name: a DNS label of at most 20 characters'),
  identityProvider: text('--identity-provider <name>', 'such as google-workspace'),
  infraProvider: text('--infra-provider <name>', 'such as gcp or local'),
  secretsProvider: text('--secrets-provider <name>', 'such as gcp-secret-manager or local'),
  networkProvider: text('--network-provider <name>', 'such as iap or direct'),
  region: text('--region <region>', 'where machines stand'),
  project: text('--project <project>', 'the cloud project of machines and secrets'),
  domain: text('--domain <domain>', 'the company\u2019s domain'),
  adminEmail: text('--admin-email <address>', 'in whose name the directory is read'),
  config: text('--config <file>', 'a planes.yaml; flags go before what it says'),
} as const;

const looseSchema = z.record(z.string(), z.unknown());
const asRecord = (value: unknown): Record<string, unknown> => {
  const parsed = looseSchema.safeParse(value ?? {});
  return parsed.success ? parsed.data : {};
};

/** A document that is not checked yet; JSON is YAML as well. */
export function readDocument(file: string, remedy: string): unknown {
  try {
    return parse(readFileSync(file === '-' ? 0 : file, 'utf8')) as unknown;
  } catch (cause) {
    throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause).split('\n')[0] ?? ''}; ${remedy}`, { cause });
  }
}

export function toPlane(document: unknown, what: string): Plane {
  const parsed = parsePlane(document);
  if (parsed.ok) return parsed.value;
  throw new PlaneError('invalid', `cannot use ${what}:\n${parsed.problems.map((problem) => `  ${toSentence(problem)}`).join('\n')}`);
}

const withSaid = (part: unknown, said: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...asRecord(part),
  ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)),
});

function toDefinition(said: Values<typeof flags>): Plane {
  const file = said.config === undefined ? {} : asRecord(readDocument(said.config, 'name a planes.yaml with --config'));
  const spec = asRecord(file['spec']);
  const { project, region } = said;
  return toPlane(
    {
      ...{ apiVersion, kind: 'AgentsPlane' },
      ...file,
      metadata: withSaid(file['metadata'], { name: said.name }),
      spec: {
        ...spec,
        identity: withSaid(spec['identity'], { provider: said.identityProvider, domain: said.domain, adminEmail: said.adminEmail }),
        infrastructure: withSaid(spec['infrastructure'], { provider: said.infraProvider, region, project }),
        secrets: withSaid(spec['secrets'], { provider: said.secretsProvider, project }),
        networking: withSaid(spec['networking'], { provider: said.networkProvider }),
      },
    },
    said.config ?? 'what the flags say; a planes.yaml with --config says the rest',
  );
}

export const create = command({
  path: 'create',
  summary: 'make a plane from a planes.yaml, from flags, or from both',
  flags,
  changes: true,
  examples: ['planes create --config planes.yaml', 'planes create --name lab --config planes.yaml --region us-east4 --dry-run'],
  async run({ client, output, dryRun }, said) {
    const definition = toDefinition(said);
    const { name } = definition.metadata;
    if (dryRun) {
      const { planes } = await client('listPlanes');
      if (planes.some(({ planeId }) => planeId === name)) {
        throw new PlaneError('conflict', `cannot make plane ${name}: there is one of that name; \`planes apply -f\` changes it`);
      }
      return show(output, definition, () => `Would make plane ${name} for ${definition.spec.identity.domain}. Nothing was changed.`);
    }
    const made = await client('createPlane', { body: definition });
    show(
      output,
      made,
      () => `Plane ${name} is there, revision ${made.revision}. Next: planes add-agent --plane ${name} --name <name> --owner <address>`,
    );
  },
});
