import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { freePort, sleep, until } from '../e2e/embedded.ts';

/** Postfix takes mail over TLS from who signs in, Dovecot keeps it and says who may: a company's mail server in a folder of its own. */
export interface MailServers {
  readonly smtpPort: number;
  readonly imapPort: number;
  readonly ca: string;
  readonly password: string;
  /** Puts a mail into a mailbox as the server that took it from outside would, with what it wrote above it. */
  deliver(raw: Uint8Array, to: string): Promise<void>;
  /** What a mailbox holds. */
  read(user: string): string[];
  stop(): Promise<void>;
}

const dovecotConfig = (folder: string, ports: Readonly<Record<string, number>>, password: string): string => `
base_dir = ${folder}/run
log_path = ${folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
mail_location = maildir:${folder}/mail/%n
recipient_delimiter = +
first_valid_uid = 1
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=dovecot gid=dovecot home=${folder}/mail/%n allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${ports['imap']}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${ports['lmtp']}
  }
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${ports['auth']}
  }
}
protocol lmtp {
  auth_username_format = %n
}
`;

const postfixConfig = (folder: string, ports: Readonly<Record<string, number>>): string => `
compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.acme.test
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = acme.test
virtual_mailbox_maps = inline:{ alice@acme.test=x, agents@acme.test=x }
virtual_transport = lmtp:inet:127.0.0.1:${ports['lmtp']}
recipient_delimiter = +
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
smtpd_tls_security_level = encrypt
smtpd_tls_wrappermode = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${ports['auth']}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_reject_unlisted_recipient = yes
message_size_limit = 50000000
virtual_mailbox_limit = 0
maillog_file = /dev/stdout
`;

const postfixServices = (port: number | undefined): string => `
127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;

const idOf = (user: string): number => Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));
const certificate = [
  'req',
  '-x509',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:prime256v1',
  '-nodes',
  '-days',
  '2',
  '-subj',
  '/CN=mx.acme.test',
];

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

export async function startMailServers(): Promise<MailServers> {
  for (const program of ['/usr/sbin/dovecot', '/usr/sbin/postfix'])
    if (!existsSync(program))
      throw new Error(`cannot start mail servers: ${program} is missing; apt-get install dovecot-imapd dovecot-lmtpd postfix`);
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-mail-'));
  chmodSync(folder, 0o755);
  const password = 'of-the-mailbox';
  const ports = { smtp: await freePort(), imap: await freePort(), lmtp: await freePort(), auth: await freePort() };
  for (const name of ['mail', 'data', 'spool', 'postfix']) mkdirSync(join(folder, name));
  chownSync(join(folder, 'mail'), idOf('dovecot'), idOf('dovecot'));
  chownSync(join(folder, 'data'), idOf('postfix'), idOf('postfix'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', [...certificate, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  writeFileSync(join(folder, 'dovecot.conf'), dovecotConfig(folder, ports, password));
  writeFileSync(join(folder, 'postfix/main.cf'), postfixConfig(folder, ports));
  writeFileSync(join(folder, 'postfix/master.cf'), postfixServices(ports.smtp));

  const run = (program: string, args: string[]): ChildProcess => spawn(program, args, { stdio: 'ignore' });
  const dovecot = run('/usr/sbin/dovecot', ['-F', '-c', join(folder, 'dovecot.conf')]);
  await until('Dovecot', 20_000, () => isOpen(ports.auth));
  const postfix = run('/usr/sbin/postfix', ['-c', join(folder, 'postfix'), 'start-fg']);
  await until('Postfix', 20_000, () => isOpen(ports.smtp));

  const lmtp = createTransport({ host: '127.0.0.1', port: ports.lmtp, lmtp: true, ignoreTLS: true });
  const ended = (child: ChildProcess): Promise<unknown> =>
    child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
  return {
    smtpPort: ports.smtp,
    imapPort: ports.imap,
    password,
    ca: readFileSync(cert, 'utf8'),
    async deliver(raw, to) {
      await lmtp.sendMail({ envelope: { from: 'alice@acme.test', to: [to] }, raw: Buffer.from(raw) });
    },
    read(user) {
      const boxes = ['new', 'cur'].map((name) => join(folder, 'mail', user, name)).filter((box) => existsSync(box));
      return boxes.flatMap((box) => readdirSync(box).map((file) => readFileSync(join(box, file), 'utf8')));
    },
    async stop() {
      execFileSync('/usr/sbin/postfix', ['-c', join(folder, 'postfix'), 'stop'], { stdio: 'ignore' });
      dovecot.kill('SIGTERM');
      await Promise.all([ended(dovecot), ended(postfix)]);
      await sleep(100);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
