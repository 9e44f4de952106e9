/*
 * WhatsApp's side of the Noise handshake, far enough that a device gets its codes: `node stand-in-service.mjs <plugin folder>`. The plugin's
 * own Baileys lends its message formats and its curve. Constants of that copy are changed, so that nothing leaves this machine: the address
 * of WhatsApp, that of the page with Baileys' latest version, and the root key of WhatsApp's certificates, whose other half only WhatsApp
 * has, and the secret in its codes. Codes last for seconds, so that a test sees the next one. Prints its port; SIGUSR2 is a phone that takes a code.
 */
import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [, , plugin] = process.argv;
const baileys = join(plugin, 'node_modules', 'baileys');
const load = (path) => import(pathToFileURL(join(baileys, path)).href);
const { proto } = await load('WAProto/index.js');
const { Curve } = await load('lib/Utils/crypto.js');
const { encodeBinaryNode, decodeBinaryNode } = await load('lib/WABinary/index.js');
const { WebSocketServer } = createRequire(join(baileys, 'package.json'))('ws');

const [root, intermediate, statics] = [Curve.generateKeyPair(), Curve.generateKeyPair(), Curve.generateKeyPair()];
function change(file, ...pairs) {
  const path = join(baileys, 'lib', file);
  const text = pairs.reduce(
    (former, [from, to]) => {
      const next = former.replace(from, to);
      if (next === former) throw new Error(`${from} is not where it was in ${file}`);
      return next;
    },
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, text);
}

const toDetails = (serial, issuerSerial, key) => proto.CertChain.NoiseCertificate.Details.encode({ serial, issuerSerial, key }).finish();
const [leafDetails, intermediateDetails] = [toDetails(2, 1, statics.public), toDetails(1, 0, intermediate.public)];
const certificate = proto.CertChain.encode({
  leaf: { details: leafDetails, signature: Curve.sign(intermediate.private, leafDetails) },
  intermediate: { details: intermediateDetails, signature: Curve.sign(root.private, intermediateDetails) },
}).finish();

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const toIv = (counter) => {
  const iv = Buffer.alloc(12);
  iv.writeUInt32BE(counter, 8);
  return iv;
};
function seal(key, counter, plain, aad) {
  const cipher = createCipheriv('aes-256-gcm', key, toIv(counter)).setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}
function open(key, counter, sealed, aad) {
  const decipher = createDecipheriv('aes-256-gcm', key, toIv(counter)).setAAD(aad).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function createNoise(clientKey) {
  let hash = Buffer.from('Noise_XX_25519_AESGCM_SHA256\0\0\0\0');
  let [salt, key, counter] = [hash, hash, 0];
  const take = (part) => (hash = sha256(hash, part));
  const derive = (secret) => {
    const bytes = Buffer.from(hkdfSync('sha256', secret, salt, '', 64));
    return [bytes.subarray(0, 32), bytes.subarray(32)];
  };
  take(Buffer.from([87, 65, 6, 3]));
  take(clientKey);
  return {
    take,
    mix(secret) {
      [salt, key] = derive(Buffer.from(secret));
      counter = 0;
    },
    seal(plain) {
      const sealed = seal(key, counter++, plain, hash);
      take(sealed);
      return sealed;
    },
    open(sealed) {
      const plain = open(key, counter++, sealed, hash);
      take(sealed);
      return plain;
    },
    /** What the client writes with comes first. */
    end: () => derive(Buffer.alloc(0)),
  };
}

const toFrame = (data) => Buffer.concat([Buffer.from([data.length >> 16, (data.length >> 8) & 255, data.length & 255]), data]);

const service = 's.whatsapp.net';
const pairing = '2';
const none = Buffer.alloc(0);
/** What a phone reads in the code; the copy is made to have it. */
const secret = randomBytes(32);
let current;

function serve(socket) {
  let rest = Buffer.alloc(0);
  let [introduced, step] = [false, 0];
  let noise;
  let [keys, sent, heard, identityKey] = [[], 0, 0, undefined];
  const ephemeral = Curve.generateKeyPair();

  function greet(frame) {
    const { ephemeral: theirs } = proto.HandshakeMessage.decode(frame).clientHello;
    noise = createNoise(theirs);
    noise.take(ephemeral.public);
    noise.mix(Curve.sharedKey(ephemeral.private, theirs));
    const sealedStatic = noise.seal(statics.public);
    noise.mix(Curve.sharedKey(statics.private, theirs));
    const serverHello = { ephemeral: ephemeral.public, static: sealedStatic, payload: noise.seal(certificate) };
    socket.send(toFrame(proto.HandshakeMessage.encode({ serverHello }).finish()));
  }
  function finish(frame) {
    const { static: sealedStatic, payload } = proto.HandshakeMessage.decode(frame).clientFinish;
    noise.mix(Curve.sharedKey(ephemeral.private, noise.open(sealedStatic)));
    const { devicePairingData } = proto.ClientPayload.decode(noise.open(payload));
    keys = noise.end();
    if (devicePairingData) {
      identityKey = devicePairingData.eIdent;
      const toCode = () => ({ tag: 'ref', attrs: {}, content: Buffer.from(`2@${randomBytes(48).toString('base64')}`) });
      const codes = { tag: 'pair-device', attrs: {}, content: Array.from({ length: 20 }, toCode) };
      send({ tag: 'iq', attrs: { from: service, type: 'set', id: '1', xmlns: 'md' }, content: [codes] });
    } else send({ tag: 'success', attrs: { t: String(Math.floor(Date.now() / 1000)), lid: '4915550000001:1@lid' } });
  }
  function send(node) {
    socket.send(toFrame(seal(keys[1], sent++, encodeBinaryNode(node), none)));
  }
  async function answer(frame) {
    const { tag, attrs, content } = await decodeBinaryNode(open(keys[0], heard++, frame, none));
    if (tag !== 'iq') return;
    // The device has signed: WhatsApp asks it to come back as the one that it is now.
    if (attrs.type === 'result' && attrs.id === pairing) return send({ tag: 'stream:error', attrs: { code: '515' } });
    if (attrs.type === 'result') return;
    const [asked] = Array.isArray(content) ? content : [];
    const known = { count: [{ tag: 'count', attrs: { value: '500' } }], digest: [{ tag: 'digest', attrs: {} }] };
    send({ tag: 'iq', attrs: { from: service, type: 'result', id: attrs.id }, content: known[asked?.tag] });
  }
  /** A phone has taken the code. */
  function pair() {
    const account = Curve.generateKeyPair();
    const details = proto.ADVDeviceIdentity.encode({ rawId: 1, timestamp: 1, keyIndex: 1 }).finish();
    const accountSignature = Curve.sign(account.private, Buffer.concat([Buffer.from([6, 0]), details, identityKey]));
    const signed = proto.ADVSignedDeviceIdentity.encode({ details, accountSignatureKey: account.public, accountSignature }).finish();
    const hmac = createHmac('sha256', secret).update(signed).digest();
    const content = [
      { tag: 'device-identity', attrs: {}, content: proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish() },
      { tag: 'device', attrs: { jid: '15550000001:1@s.whatsapp.net', lid: '4915550000001:1@lid' } },
      { tag: 'platform', attrs: { name: 'android' } },
    ];
    send({
      tag: 'iq',
      attrs: { from: service, type: 'set', id: pairing, xmlns: 'md' },
      content: [{ tag: 'pair-success', attrs: {}, content }],
    });
  }
  current = { pair: () => identityKey && pair() };

  socket.on('message', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    if (!introduced) [introduced, rest] = [true, rest.subarray(4)];
    while (rest.length >= 3 && rest.length >= 3 + rest.readUIntBE(0, 3)) {
      const size = rest.readUIntBE(0, 3);
      const frame = rest.subarray(3, 3 + size);
      rest = rest.subarray(3 + size);
      step += 1;
      if (step === 1) greet(frame);
      else if (step === 2) finish(frame);
      else void answer(frame);
    }
  });
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', serve);
server.on('listening', () => {
  const { port } = server.address();
  const rootKey = Buffer.from(root.public).toString('hex');
  change(
    'Defaults/index.js',
    [/PUBLIC_KEY: Buffer\.from\('[0-9a-f]{64}'/, `PUBLIC_KEY: Buffer.from('${rootKey}'`],
    ['wss://web.whatsapp.com/ws/chat', `ws://127.0.0.1:${port}/ws/chat`],
  );
  change('Socket/socket.js', ['qrTimeout || 60000', '6000'], ['qrTimeout || 20000', '6000']);
  change('Utils/auth-utils.js', ["advSecretKey: randomBytes(32).toString('base64')", `advSecretKey: '${secret.toString('base64')}'`]);
  change('Utils/generics.js', ['https://raw.githubusercontent.com', 'http://127.0.0.1:9']);
  process.stdout.write(`${port}\n`);
});
process.on('SIGUSR2', () => current?.pair());
