import { createWriteStream } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type ExtractEvents } from 'tar-stream';
import { PlaneError } from '../../../functions/core/errors.ts';
import { archiveFormat, endName, isInside, isOwnName, manifestName, parts, limits as standard, type Limits } from './layout.ts';

type Entry = ExtractEvents['entry'][1];

const refuse = (fact: string): PlaneError => new PlaneError('invalid', `cannot restore this archive: ${fact}; restore another backup`);

const longestText = 4_096;

/** Not by zod: what this file imports is bundled apart, and zod would be bundled whole with it. */
function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

function readManifest(manifest: unknown): string {
  const openclaw = field(manifest, 'openclaw');
  if (field(manifest, 'format') !== archiveFormat || typeof openclaw !== 'string') throw refuse('it is of another format');
  return openclaw;
}

async function readText(entry: Entry): Promise<unknown> {
  let text = '';
  for await (const chunk of entry) {
    text += String(chunk);
    if (text.length > longestText) throw refuse('its manifest is too long');
  }
  return JSON.parse(text);
}

/** Lays down one entry below the target. Files are new, 0600 or 0700, and belong to whoever runs this. */
async function layDown(entry: Entry, target: string): Promise<void> {
  const { name, type, linkname, mode = 0o600 } = entry.header;
  const path = join(target, name);
  if (type === 'directory') {
    entry.resume();
    await mkdir(path, { recursive: true, mode: 0o700 });
  } else if (type === 'symlink') {
    entry.resume();
    if (!isInside(name, linkname ?? '')) throw refuse(`${JSON.stringify(name)} is a link that leads out`);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await symlink(linkname ?? '', path);
  } else if (type === 'file' || type === 'contiguous-file') {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await pipeline(entry, createWriteStream(path, { flags: 'wx', mode: 0o600 | (mode & 0o100) }));
  } else {
    throw refuse(`${JSON.stringify(name)} is neither a file, a folder nor a link`);
  }
}

/**
 * Unpacks an archive into a folder that holds nothing yet. Throws `invalid` for what is not an archive of ours, is not complete,
 * is too large, or would lead out of the folder; what was laid down by then is the caller's to remove.
 */
export async function unpackMachine(input: Readable, target: string, limits: Limits = standard): Promise<{ openclaw: string }> {
  const archive = extract();
  const received = pipeline(input, archive);
  received.catch(() => undefined);
  let openclaw: string | undefined;
  let end: unknown;
  let [entries, bytes] = [0, 0];
  const links = new Set<string>();

  function check(entry: Entry): void {
    const { name, size = 0, type } = entry.header;
    if (openclaw === undefined) throw refuse('it does not begin with a manifest');
    if (end !== undefined) throw refuse('it goes on after its end');
    if (!isOwnName(name)) throw refuse(`it names ${JSON.stringify(name.slice(0, 100))}`);
    const steps = name.replace(/\/$/, '').split('/');
    // A file is never written through a link.
    if (steps.some((_, at) => links.has(steps.slice(0, at + 1).join('/')))) throw refuse(`${JSON.stringify(name)} lies behind a link`);
    if (type === 'symlink') links.add(name);
    entries += 1;
    bytes += size;
    if (entries > limits.entries || bytes > limits.bytes) throw refuse('it is too large');
  }

  for await (const entry of archive) {
    if (entry.header.name === manifestName && openclaw === undefined) openclaw = readManifest(await readText(entry));
    else if (entry.header.name === endName) end = field(await readText(entry), 'entries');
    else {
      check(entry);
      await layDown(entry, target);
    }
  }
  await received;
  if (openclaw === undefined || end !== entries) throw refuse('it is not complete');
  for (const part of parts) await mkdir(join(target, part), { recursive: true, mode: 0o700 });
  return { openclaw };
}
