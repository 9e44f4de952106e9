import { join } from 'node:path';
import { parse } from 'yaml';
import { readTemplates, renderUserData, type MachineOptions } from '../../functions/providers/infra/machine-template.ts';

export const machineTemplates = readTemplates(join(__dirname, '..', '..', 'manifests', 'machine'));

export interface Changes {
  readonly labels?: Readonly<Record<string, string>>;
  readonly planeUrl?: string;
  readonly secretsPath?: string;
  readonly nodeUrl?: string;
  readonly nodeVersion?: string;
  readonly sha256?: string;
  readonly workspaceDevice?: string | undefined;
  readonly inbound?: MachineOptions['inbound'];
}

/** An agent's machine with every option in use. */
export function toMachineOptions(changes: Changes = {}): MachineOptions {
  const sha256 = changes.sha256 ?? 'ab'.repeat(32);
  const archive = (name: string, version: string) => ({ version, url: `https://artifacts.example.com/${name}-${version}.tar.gz`, sha256 });
  const node = archive('node', changes.nodeVersion ?? '24.21.0');
  const device = 'workspaceDevice' in changes ? changes.workspaceDevice : '/dev/disk/by-id/google-workspace';
  return {
    spec: {
      planeId: 'acme',
      agentId: 'abcdefghijklmnop',
      machineType: 'e2-medium',
      region: 'us-central1',
      diskSizeGb: 20,
      labels: changes.labels ?? { plane: 'acme', owner: 'alice: #1 "x" @agentUid@' },
    },
    planeUrl: changes.planeUrl ?? 'https://plane.example.com/',
    archives: {
      node: { ...node, url: changes.nodeUrl ?? node.url },
      openclaw: archive('openclaw', '2026.9.6'),
      sidecar: archive('sidecar', '0.1.0'),
    },
    secrets: { provider: 'gcp', path: changes.secretsPath ?? 'projects/acme/oc-1' },
    ...(device === undefined ? {} : { workspaceDevice: device }),
    inbound: changes.inbound ?? [{ protocol: 'tcp', port: 22, from: '35.235.240.0/20' }],
  };
}

/** What cloud-init would write, by path. */
export function renderFiles(changes: Changes = {}): ReadonlyMap<string, string> {
  const document = parse(renderUserData(machineTemplates, toMachineOptions(changes))) as {
    write_files: { path: string; content: string }[];
  };
  return new Map(document.write_files.map(({ path, content }) => [path, content]));
}
