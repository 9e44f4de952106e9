import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePlane } from '../../shared/plane.ts';
import { toSentence } from '../../shared/problem.ts';

const example = `
apiVersion: openclaw.dev/v1alpha1
kind: AgentsPlane
metadata:
  name: acme-agents

spec:
  identity:
    provider: google-workspace
    domain: acme.com
    adminEmail: admin@acme.com

  infrastructure:
    provider: gcp
    project: acme-prod-123
    region: us-east4
    defaults:
      machineType: e2-small
      diskSizeGb: 20
      image: projects/openclaw/global/images/openclaw-agent-v1

  secrets:
    provider: gcp-secret-manager
    project: acme-prod-123
    # Per-agent prefix: secrets/agents/{agentId}/*

  networking:
    provider: iap
    egressPolicy:
      default: restricted
      allowedDomains:
        - "*.googleapis.com"
        - "api.openai.com"
        - "api.anthropic.com"

  agents:
    - name: alice-agent
      owner: alice@acme.com
      machineType: e2-medium  # override default
      modelTier: opus
      budgetCap: 200
      tools: [exec, github, email, calendar]
      channels: [whatsapp, slack]

    - name: bob-agent
      owner: bob@acme.com
      modelTier: sonnet
      budgetCap: 50
      tools: [email, calendar]
      channels: [email]

  policies:
    - match:
        group: engineering@acme.com
      spec:
        tools: [exec, github, email, calendar, ssh]
        modelTier: opus
        budgetCap: 200

    - match:
        ou: /Sales
      spec:
        tools: [email, crm, calendar]
        modelTier: sonnet
        budgetCap: 75
`;

function changed(change: (plane: Record<string, Record<string, unknown>>) => void): unknown {
  const plane = parse(example) as Record<string, Record<string, unknown>>;
  change(plane);
  return plane;
}

const sentences = (input: unknown): string[] => {
  const parsed = parsePlane(input);
  return parsed.ok ? [] : parsed.problems.map(toSentence);
};

describe('planes.yaml', () => {
  it('reads the example of the requirements', () => {
    const parsed = parsePlane(parse(example));
    expect(parsed).toMatchObject({ ok: true, value: { metadata: { name: 'acme-agents' }, spec: { agents: [{ budgetCap: 200 }, {}] } } });
  });

  it('reads the plane of the sample company', () => {
    const text = readFileSync(join(__dirname, '../../manifests/acme.planes.yaml'), 'utf8');
    expect(parsePlane(parse(text)).ok).toBe(true);
  });

  it.each([
    ['an unknown key', (plane: { spec: Record<string, unknown> }) => (plane.spec['identety'] = {}), 'spec.identety: found an unknown key'],
    [
      'a bad budget',
      (plane) => (plane.spec['agents'] = [{ name: 'a', owner: 'a@acme.com', budgetCap: -5 }]),
      'spec.agents[0].budgetCap: found -5; allowed: at least 0',
    ],
    [
      'half a dollar',
      (plane) => (plane.spec['agents'] = [{ name: 'a', owner: 'a@acme.com', budgetCap: 0.5 }]),
      'spec.agents[0].budgetCap: found 0.5; allowed: a whole number',
    ],
    [
      'an unknown tool',
      (plane) => (plane.spec['agents'] = [{ name: 'a', owner: 'a@acme.com', tools: ['exec', 'teleport'] }]),
      'spec.agents[0].tools[1]: found "teleport"; allowed: calendar, crm, email, exec, github or ssh',
    ],
    [
      'an unknown tier',
      (plane) => (plane.spec['agents'] = [{ name: 'a', owner: 'a@acme.com', modelTier: 'Opuss' }]),
      'spec.agents[0].modelTier: found "Opuss"; allowed: haiku, sonnet or opus',
    ],
  ] as [string, (plane: { spec: Record<string, unknown> }) => unknown, string][])(
    'says where %s is, what was found and what is allowed',
    (_name, break_, sentence) => {
      expect(sentences(changed((plane) => void break_({ spec: plane['spec'] ?? {} })))).toContainEqual(expect.stringContaining(sentence));
    },
  );

  it('refuses a plane name that no cloud would take', () => {
    const input = changed((plane) => (plane['metadata'] = { name: 'Acme Agents of the whole company' }));
    expect(sentences(input)).toEqual([expect.stringContaining('metadata.name: found "Acme Agents')]);
  });

  it('names every problem at once', () => {
    const input = changed((plane) => {
      plane['metadata'] = { name: 'UPPER' };
      if (plane['spec']) plane['spec']['secrets'] = { provider: 7 };
    });
    expect(sentences(input)).toHaveLength(2);
  });
});
