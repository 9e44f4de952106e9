import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import sparticuz from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

const debian = '/usr/bin/chromium';
const calm = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Flags of the package that a test of security headers must not have, and one-process mode, which dies with its first page. */
const unwanted = new Set(['--single-process', '--disable-web-security', '--allow-running-insecure-content', "--headless='shell'"]);

/** Debian's chromium where it is installed, else the one from npm, which brings its own shared libraries and a font. */
export async function launchBrowser(): Promise<Browser> {
  if (existsSync(debian)) return chromium.launch({ executablePath: debian, args: ['--no-sandbox', ...calm] });
  const folder = await unpack();
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: [...sparticuz.args.filter((arg) => !unwanted.has(arg)), ...calm],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      FONTCONFIG_PATH: folder,
      HOME: folder,
    },
  });
}

/** Unpacks once per machine into a folder below TMPDIR; a half-unpacked one is never seen. The package's own way is tied to AWS Lambda. */
async function unpack(): Promise<string> {
  const bin = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', '..', 'bin');
  const folder = join(tmpdir(), 'agents-plane-chromium-147');
  if (existsSync(folder)) return folder;
  const partial = await mkdtemp(`${folder}-`);
  await inflate(join(bin, 'chromium.br'), join(partial, 'chromium'));
  // The software renderer lies beside the browser, the rest in folders of its own.
  for (const [name, target] of [
    ['fonts', 'fonts'],
    ['al2023', 'al2023'],
    ['swiftshader', '.'],
  ] as const) {
    const archive = join(partial, `${name}.tar`);
    await inflate(join(bin, `${name}.tar.br`), archive);
    await mkdir(join(partial, target), { recursive: true });
    const { status, stderr } = spawnSync('tar', ['-xf', archive, '-C', join(partial, target)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`cannot unpack ${archive}: ${stderr}`);
    await rm(archive);
  }
  await writeFile(join(partial, 'fonts.conf'), fontsConfig(folder));
  try {
    await rename(partial, folder);
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(folder)) throw error;
    await rm(partial, { recursive: true });
  }
  return folder;
}

/** The package's own names Lambda's folders; without any font the browser dies at the first letter it lacks. */
const fontsConfig = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`;

const inflate = (from: string, to: string): Promise<void> =>
  pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }));
