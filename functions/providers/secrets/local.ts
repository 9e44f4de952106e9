import { randomBytes, timingSafeEqual } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { PlaneError } from '../../core/errors.ts';
import type { Owner, SecretNamespace, SecretsProvider } from '../../core/providers.ts';
import type { Ctx } from '../../core/surroundings.ts';
import { destroyFile, ensureFolder, readIfPresent, removeLeftovers, removeTree, syncFolder, writeFileAtomic } from '../../files.ts';
import {
  checkAgentId,
  isAgentId,
  keyBinding,
  keyBytes,
  keyFile,
  ownerFile,
  parseGrant,
  readNames,
  readSecret,
  seal,
  secretBinding,
  toFileName,
  toGrantFile,
  toGrantText,
  unseal,
  type Grant,
} from './local-vault.ts';

export interface LocalSecretsOptions {
  readonly planeId: string;
  /** One folder for each agent. Several planes may share it. */
  readonly dir: string;
  /** 32 bytes, kept outside the data folder. */
  readonly dataKey: Buffer;
  /** Where grants wait for the principals they name; never inside `dir`, since a grant opens what lies there. */
  readonly grantsDir: string;
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const isSame = (a: Owner, b: Owner): boolean => a.planeId === b.planeId && a.agentId === b.agentId;
const toOwnerText = ({ planeId, agentId }: Owner): string => `${JSON.stringify({ version: 1, planeId, agentId })}\n`;

/** A namespace that is being made or destroyed: it is reported, without names, until a set or a purge has dealt with it. */
const toRemnantName = ({ planeId, agentId }: Owner): string => `.half.${planeId}.${agentId}`;
function parseRemnantName(name: string): Owner | undefined {
  const [, planeId, agentId] = /^\.half\.([^.]+)\.([^.]+)$/.exec(name) ?? [];
  return planeId === undefined || agentId === undefined ? undefined : { planeId, agentId };
}

/** Secrets in encrypted files: each agent's under a key of its own, which the data key wraps and a grant hands out. One process writes. */
export function createLocalSecrets({ planeId, dir, dataKey, grantsDir }: LocalSecretsOptions): SecretsProvider {
  if (dataKey.length !== keyBytes)
    throw new PlaneError('invalid', `cannot open local secrets: the data key has ${dataKey.length} bytes; give ${keyBytes}`);
  const between = relative(resolve(dir), resolve(grantsDir));
  if (between !== '..' && !between.startsWith(`..${sep}`)) {
    throw new PlaneError('invalid', `cannot open local secrets: grants would lie in ${dir}; give a folder outside of it`);
  }
  // From here on a missing folder is a failure and never an empty one.
  ensureFolder(dir);
  ensureFolder(grantsDir);

  const toFolder = (agentId: string): string => join(dir, agentId);
  const toRemnant = (agentId: string): string => join(dir, toRemnantName({ planeId, agentId }));

  function begin(agentId: string, ctx: Ctx): Owner {
    ctx.signal.throwIfAborted();
    checkAgentId(agentId);
    return { planeId, agentId };
  }

  function readOwner(agentId: string): Owner | undefined {
    if (!isThere(toFolder(agentId))) {
      lstatSync(dir);
      return undefined;
    }
    const broken = (cause?: unknown): PlaneError =>
      new PlaneError('internal', `cannot read secrets of agent ${agentId}: ${ownerFile} is missing or broken; restore the folder`, {
        cause,
      });
    const text = readIfPresent(join(toFolder(agentId), ownerFile))?.toString();
    if (text === undefined) throw broken();
    let found: Partial<Owner> | null;
    try {
      found = JSON.parse(text) as Partial<Owner> | null;
    } catch (error) {
      throw broken(error);
    }
    if (typeof found?.planeId !== 'string' || typeof found.agentId !== 'string') throw broken();
    const owner = { planeId: found.planeId, agentId: found.agentId };
    if (toOwnerText(owner) !== text) throw broken();
    return owner;
  }

  function refuse(verb: string, mine: Owner, holder: Owner): never {
    const fact = `plane ${holder.planeId} holds them for agent ${holder.agentId}; give the planes folders of their own`;
    throw new PlaneError('conflict', `cannot ${verb} secrets of agent ${mine.agentId} of plane ${mine.planeId}: ${fact}`);
  }

  /** True when the namespace is ours, false when there is none; throws `conflict` when another holds it. */
  function isOurs(verb: string, mine: Owner): boolean {
    const holder = readOwner(mine.agentId);
    if (holder && !isSame(holder, mine)) refuse(verb, mine, holder);
    return holder !== undefined;
  }

  function readKey(owner: Owner): Buffer {
    const path = join(toFolder(owner.agentId), keyFile);
    try {
      return unseal(dataKey, keyBinding(owner), readIfPresent(path) ?? Buffer.of());
    } catch (error) {
      const fact = `${keyFile} is missing or broken, or the data key is another; restore them, or purge the namespace`;
      throw new PlaneError('internal', `cannot read secrets of agent ${owner.agentId}: ${fact}`, { cause: error });
    }
  }

  function readGrant(agentId: string): Grant | undefined {
    const text = readIfPresent(toGrantFile(grantsDir, agentId))?.toString();
    return text === undefined ? undefined : parseGrant(text, agentId);
  }

  /** A grant that cannot be read counts as ours: to end access is always safe. */
  function checkGrant(verb: string, mine: Owner): void {
    let grant: Grant | undefined;
    try {
      grant = readGrant(mine.agentId);
    } catch (error) {
      if (!(error instanceof PlaneError)) throw error;
    }
    if (grant && !isSame(grant, mine)) refuse(verb, mine, grant);
  }

  function dropGrant(mine: Owner): void {
    checkGrant('revoke grant on', mine);
    removeLeftovers(grantsDir);
    destroyFile(toGrantFile(grantsDir, mine.agentId));
  }

  /** The key first: without it the rest is noise, whatever a crash leaves. */
  function destroyRemnant(agentId: string): void {
    destroyFile(join(toRemnant(agentId), keyFile));
    removeTree(toRemnant(agentId));
  }

  /** The key of the agent's namespace, which comes to exist in one step. */
  function ensureKey(verb: string, mine: Owner): Buffer {
    if (isOurs(verb, mine)) {
      removeLeftovers(toFolder(mine.agentId));
      return readKey(mine);
    }
    dropGrant(mine);
    destroyRemnant(mine.agentId);
    const key = randomBytes(keyBytes);
    const draft = toRemnant(mine.agentId);
    mkdirSync(draft, { mode: 0o700 });
    writeFileAtomic(join(draft, ownerFile), toOwnerText(mine), 0o600);
    writeFileAtomic(join(draft, keyFile), seal(dataKey, keyBinding(mine), key), 0o600);
    renameSync(draft, toFolder(mine.agentId));
    syncFolder(dir);
    return key;
  }

  /** A grant counts only while it opens the namespace that is there. */
  function describe(mine: Owner): SecretNamespace | undefined {
    const { agentId } = mine;
    const [holder, grant] = [readOwner(agentId), readGrant(agentId)];
    const names = holder ? readNames(dir, agentId) : [];
    const owner = holder ?? (isThere(toRemnant(agentId)) ? mine : grant && { planeId: grant.planeId, agentId: grant.agentId });
    if (!owner) return undefined;
    // The key is read even without a grant: a namespace that nobody can open must not look healthy.
    const key = holder && isSame(holder, mine) ? readKey(mine) : undefined;
    const granted = grant && isSame(grant, owner) && (key === undefined || timingSafeEqual(grant.key, key));
    return { ...owner, names, ...(granted ? { grantedTo: grant.principalId } : {}) };
  }

  return {
    name: 'local',

    async get(key, agentId, ctx) {
      const mine = begin(agentId, ctx);
      if (!isOurs('read', mine))
        throw new PlaneError('notFound', `cannot read secret ${key} of agent ${agentId}: the agent has no secrets`);
      ctx.log.info('read a secret', { planeId, agentId, name: key });
      return readSecret(dir, mine, key, readKey(mine));
    },

    async set(key, value, agentId, ctx) {
      const mine = begin(agentId, ctx);
      const fileName = toFileName(key);
      if (!value.isWellFormed())
        throw new PlaneError('invalid', `cannot set secret ${key} of agent ${agentId}: its value is not Unicode text`);
      const sealed = seal(ensureKey('set', mine), secretBinding(mine, key), Buffer.from(value));
      writeFileAtomic(join(toFolder(agentId), fileName), sealed, 0o600);
    },

    async delete(key, agentId, ctx) {
      const mine = begin(agentId, ctx);
      const fileName = toFileName(key);
      if (!isOurs('delete', mine)) return;
      removeLeftovers(toFolder(agentId));
      destroyFile(join(toFolder(agentId), fileName));
    },

    async list(agentId, ctx) {
      return isOurs('list', begin(agentId, ctx)) ? readNames(dir, agentId) : [];
    },

    async namespace(agentId, ctx) {
      return describe(begin(agentId, ctx));
    },

    async listNamespaces(ctx) {
      ctx.signal.throwIfAborted();
      const entries = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      const folders = entries.map(({ name }) => name).filter(isAgentId);
      const grants = readdirSync(grantsDir)
        .flatMap((name) => (name.endsWith('.json') ? name.slice(0, -5) : []))
        .filter(isAgentId);
      const found = [...new Set([...folders, ...grants])].flatMap((agentId) => describe({ planeId, agentId }) ?? []);
      const remnants = entries
        .flatMap(({ name }) => parseRemnantName(name) ?? [])
        .filter((owner) => !found.some((other) => isSame(owner, other)));
      return [...found, ...remnants.map((owner) => ({ ...owner, names: [] }))];
    },

    async grant(agentId, principalId, ctx) {
      const mine = begin(agentId, ctx);
      if (principalId === '') throw new PlaneError('invalid', `cannot grant secrets of agent ${agentId}: the principal has no id`);
      const key = ensureKey('grant', mine);
      checkGrant('grant', mine);
      removeLeftovers(grantsDir);
      writeFileAtomic(toGrantFile(grantsDir, agentId), toGrantText({ ...mine, principalId, key }), 0o600);
    },

    async revokeGrant(agentId, ctx) {
      dropGrant(begin(agentId, ctx));
    },

    async purge(agentId, ctx) {
      const mine = begin(agentId, ctx);
      const there = isOurs('purge', mine);
      dropGrant(mine);
      destroyRemnant(agentId);
      if (!there) return;
      // Out of sight in one step, so that no listing meets a namespace without its key.
      renameSync(toFolder(agentId), toRemnant(agentId));
      syncFolder(dir);
      destroyRemnant(agentId);
    },
  };
}
