import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { agentIdSchema, planeIdSchema } from '../../../shared/agent.ts';
import { PlaneError } from '../../core/errors.ts';
import type { AgentComputeSpec } from '../../core/providers.ts';

/*
 * The user data of a machine of its own, for every cloud that runs cloud-init. Pure but for `readTemplates`. It names where the
 * machine's secrets are and holds none: whoever may describe the machine reads its user data, and so can every process on it.
 */

/**
 * Uids on such a machine. The agent's is in the range that agents have everywhere; neither is in one that systemd gives away
 * by itself (60001–60513, 60578–60705, 61184–65519: systemd.io/UIDS-GIDS, 2026-11-22).
 */
export const machineUids = { sidecar: 60_999, agent: 61_001 } as const;

/** EC2 takes 16 KiB before base64, the least of all clouds; Compute Engine takes 256 KiB in one metadata value (2026-11-22). */
export const longestUserData = 16_384;

export const machineFolder = '/var/lib/openclaw';
const installed = '/opt/openclaw';

/** Text of each template by its path below manifests/machine. */
export type MachineTemplates = ReadonlyMap<string, string>;

export function readTemplates(dir: string): MachineTemplates {
  const names = ['cloud-init', 'systemd'].flatMap((folder) => readdirSync(join(dir, folder)).map((name) => `${folder}/${name}`));
  return new Map(names.map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
}

/** A tar.gz with one folder at its top, which is left out. */
export interface Archive {
  readonly version: string;
  readonly url: string;
  readonly sha256: string;
}

export interface MachineOptions {
  readonly spec: AgentComputeSpec;
  /** Where the sidecar calls; https. */
  readonly planeUrl: string;
  readonly archives: {
    /** The folder has `bin/node`. */
    readonly node: Archive;
    /** The folder has `node_modules/openclaw`, and OpenClaw was started in it once: it finishes its own installation then. */
    readonly openclaw: Archive;
    /** The folder has `sidecar.js` and beside it `plugin`, the plane's plugin for OpenClaw (scripts/build.ts makes both). */
    readonly sidecar: Archive;
  };
  /** The agent's own namespace, in which the join token waits. */
  readonly secrets: { readonly provider: string; readonly path: string };
  /** The disk that is the workspace's own, by a name that stays: /dev/disk/by-id/google-workspace. */
  readonly workspaceDevice?: string;
  /** What the network provider needs to get in, and from where; everything else is closed. */
  readonly inbound?: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number; readonly from: string }[];
  readonly heartbeatMs?: number;
}

const versionSchema = z.string().regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]{1,40})?$/, 'a version such as 24.21.0');

/** What a link needs to carry a secret is refused: a user, a query, a fragment. */
const isPlain = (text: string): boolean => {
  const { protocol, username, password, search, hash, href } = new URL(text);
  return protocol === 'https:' && `${username}${password}${search}${hash}` === '' && !/[\s'"\\?#%]/.test(href);
};
const urlSchema = z
  .string()
  .max(500)
  .refine((text) => URL.canParse(text) && isPlain(text), 'an https address without user, query or fragment');

const archiveSchema = z.object({
  version: versionSchema,
  url: urlSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
});

/** OpenClaw runs on Node from 24.16 within 24, or from 26.1 (facts of 2026.9.6). */
function runsOpenClaw(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;
}

const printable = z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u, 'text without control characters');
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'a label name');

const optionsSchema = z.object({
  spec: z.object({
    planeId: planeIdSchema,
    agentId: agentIdSchema,
    machineType: printable,
    region: printable,
    diskSizeGb: z.number(),
    labels: z.record(name, printable.max(128)),
  }),
  planeUrl: urlSchema,
  archives: z.object({
    node: archiveSchema.extend({
      version: versionSchema.refine(runsOpenClaw, 'Node 24.16 or later of 24, or 26.1 or later, which OpenClaw runs on'),
    }),
    openclaw: archiveSchema,
    sidecar: archiveSchema,
  }),
  secrets: z.object({
    provider: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'a provider name'),
    path: z.string().regex(/^[A-Za-z0-9/][A-Za-z0-9._:@/-]{0,255}$/, 'the path of a namespace'),
  }),
  workspaceDevice: z
    .string()
    .regex(/^\/dev(?:\/[A-Za-z0-9_][A-Za-z0-9._:-]{0,120}){1,3}$/, 'a device such as /dev/disk/by-id/google-workspace')
    .optional(),
  inbound: z
    .array(
      z.object({
        protocol: z.enum(['tcp', 'udp']),
        port: z.int().min(1).max(65_535),
        from: z.union([z.cidrv4(), z.cidrv6()], 'a CIDR range'),
      }),
    )
    .max(20)
    .default([]),
  heartbeatMs: z.int().min(100).default(30_000),
});
type Options = z.infer<typeof optionsSchema>;

const baseSchema = z.looseObject({
  write_files: z.array(
    z.strictObject({ path: z.string(), source: z.string(), permissions: z.string().optional(), disk: z.boolean().optional() }),
  ),
  runcmd: z.array(z.union([z.array(z.string()), z.strictObject({ disk: z.array(z.string()) })])),
});

const toInbound = ({ inbound }: Options): string =>
  inbound
    .map(({ protocol, port, from }) => `${from.includes(':') ? 'ip6' : 'ip'} saddr ${from} ${protocol} dport ${port} accept`)
    .join('\n    ');

function toMachine({ spec, planeUrl, archives, secrets, heartbeatMs }: Options): string {
  const { planeId, agentId, labels } = spec;
  const entry = `${installed}/openclaw/node_modules/openclaw/openclaw.mjs`;
  const openclaw = { version: archives.openclaw.version, node: `${installed}/node/bin/node`, entry };
  const units = { control: '/run/openclaw/control.sock', errand: '/run/openclaw/errand.sock' };
  const environment = { plane: { url: planeUrl.replace(/\/+$/, '') }, secrets, heartbeatMs };
  return `${JSON.stringify({ planeId, agentId, labels, uid: machineUids.agent, units, openclaw, environment })}\n`;
}

/** In this order: the sidecar is there only once all that it runs is. */
const toArchives = ({ archives }: Options): string =>
  (['node', 'openclaw', 'sidecar'] as const).map((part) => `${part} ${archives[part].sha256} ${archives[part].url}\n`).join('');

/** Comments are for who reads the repository; user data is short of room. */
const withoutComments = (text: string): string => text.replaceAll(/^\s*#(?!!).*\n/gm, '').replaceAll(/\n{2,}/g, '\n');

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return withoutComments(template).replaceAll(/@(\w+)@/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new PlaneError('internal', `cannot render a machine: a template wants @${key}@; restore it`);
    return value;
  });
}

/**
 * The user data of one agent's machine: a #cloud-config of at most 16 KiB. Throws `invalid` with every value that may not be in it.
 */
export function renderUserData(templates: MachineTemplates, machineOptions: MachineOptions): string {
  const parsed = optionsSchema.safeParse(machineOptions);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')} is not right: ${message}`).join('; ');
    throw new PlaneError('invalid', `cannot render a machine: ${problems}`);
  }
  const options = parsed.data;
  const { spec, workspaceDevice } = options;
  const textOf = (source: string): string => {
    const text = templates.get(source);
    if (text === undefined) throw new PlaneError('internal', `cannot render a machine: template ${source} is missing; restore it`);
    return text;
  };
  const values = {
    agentUid: String(machineUids.agent),
    sidecarUid: String(machineUids.sidecar),
    inbound: toInbound(options),
    ...(workspaceDevice === undefined ? {} : { workspaceDevice }),
  };
  const { write_files: files, runcmd, ...base } = baseSchema.parse(parse(textOf('cloud-init/user-data.yaml')));
  const hasDisk = workspaceDevice !== undefined;
  const written = [
    { path: `${machineFolder}/machine.json`, permissions: '0600', content: toMachine(options) },
    { path: '/etc/openclaw/archives', content: toArchives(options) },
    ...files
      .filter(({ disk }) => hasDisk || disk !== true)
      .map(({ path, source, permissions }) => ({ path, ...(permissions ? { permissions } : {}), content: fill(textOf(source), values) })),
  ];
  const commands = runcmd.flatMap((command) => (Array.isArray(command) ? [command] : hasDisk ? [command.disk] : []));
  const document = { hostname: `oc-${spec.agentId}`, ...base, write_files: written, runcmd: commands };
  const text = `#cloud-config\n${stringify(document, { lineWidth: 0, indent: 1, indentSeq: false })}`;
  const bytes = Buffer.byteLength(text);
  if (bytes > longestUserData) {
    const fact = `its user data has ${bytes} bytes and ${longestUserData} are allowed`;
    throw new PlaneError('invalid', `cannot render machine ${spec.agentId}: ${fact}; give it fewer labels or ways in`);
  }
  return text;
}
