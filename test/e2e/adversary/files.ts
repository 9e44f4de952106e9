import { spawnSync } from 'node:child_process';
import { processesOf, habitatOf, keysFolder } from '../embedded.ts';
import { asAgent, byKernel, type Attempt, type Scene } from './scene.ts';

/** What the kernel says of a line that it refused: the process that was to be ended, the change of user, or the file. */
function refusedIn(text: string): { readonly call: RegExp; readonly object?: string } {
  const pid = /^kill -\w+ (\d+)/.exec(text)?.[1];
  if (pid !== undefined) return { call: /kill/, object: `process ${pid}` };
  if (text.startsWith('setpriv')) return { call: /setresuid/ };
  return { call: /\w+/, object: text.match(/\/\S+/g)?.find((path) => path !== '/dev/null') ?? 'a path' };
}

/**
 * A line of shell as Alice's agent. What only reads is run as root first, where it must succeed: a refusal for any other reason, such
 * as a path that is not there, would prove nothing.
 */
function line(name: string, toLine: (scene: Scene) => string, { harmless = false } = {}): Attempt {
  let text = '';
  return {
    name,
    refused: /^exit [1-9]/,
    told: (scene) => byKernel(scene, refusedIn(text)),
    tries(scene) {
      text = toLine(scene);
      if (harmless && spawnSync('sh', ['-c', text], { stdio: 'ignore' }).status !== 0) return `in vain: not even root can ${text}`;
      return `exit ${asAgent(scene.alice, text).status}`;
    },
  };
}
const read = (name: string, toLine: (scene: Scene) => string): Attempt => line(name, toLine, { harmless: true });
const pidsOf = ({ plane }: Scene, agentId: string): number[] => processesOf(habitatOf(plane, agentId));
const sidecarOf = (scene: Scene, agentId: string): number => pidsOf(scene, agentId)[0] ?? -1;

export const fileAttempts: readonly Attempt[] = [
  read("read another agent's machine.json", ({ bob }) => `cat ${bob.folder}/machine.json`),
  read("list another agent's state", ({ bob }) => `ls ${bob.folder}/state`),
  read("list another agent's workspace", ({ bob }) => `ls ${bob.folder}/workspace`),
  read("read another agent's config", ({ bob }) => `cat ${bob.folder}/config/openclaw.json`),
  read("read another agent's session token", ({ bob }) => `cat ${bob.folder}/run/session`),
  read("reach the socket of another agent's secrets", ({ bob }) => `ls -l ${bob.folder}/door/secrets.sock`),
  read("read an environment of another agent's processes", (scene) => `cat /proc/${pidsOf(scene, scene.bob.id).at(-1)}/environ`),
  read("read the environment of one's own sidecar", (scene) => `cat /proc/${sidecarOf(scene, scene.alice.id)}/environ`),
  read("open the files of one's own sidecar", (scene) => `ls -l /proc/${sidecarOf(scene, scene.alice.id)}/fd`),
  read("read the plane's environment, with the maker's key", ({ plane }) => `cat /proc/${plane.pid()}/environ`),
  read("read the plane's memory", ({ plane }) => `head -c 0 /proc/${plane.pid()}/mem`),
  read("read one's own session token", ({ alice }) => `cat ${alice.folder}/run/session`),
  read("read one's own machine.json", ({ alice }) => `cat ${alice.folder}/machine.json`),
  read("read the sidecar's log", ({ alice }) => `cat ${alice.folder}/run/sidecar.log`),
  read('list who has a machine here', ({ plane }) => `ls ${plane.data}/machines`),
  read("list everybody's secrets", ({ plane }) => `ls ${plane.data}/secrets`),
  read("list another agent's secrets", ({ plane, bob }) => `ls ${plane.data}/secrets/${bob.id}`),
  read("read the plane's store", ({ plane }) => `cat ${plane.data}/plane.sqlite`),
  read("read the directory's store", ({ plane }) => `cat ${plane.data}/workspace.sqlite`),
  read('read the token for trying the API by hand', ({ plane }) => `cat ${plane.data}/endpoint.json`),
  read('list the keys of the plane', ({ plane }) => `ls ${plane.home}/.config/agents-plane`),
  read("read another agent's grant", ({ plane, bob }) => `cat ${keysFolder(plane)}/grants/${bob.id}.json`),
  read("read the network's book of who may reach whom", ({ plane, bob }) => `cat ${plane.data}/network/${bob.id}.json`),
  line("write one's own config", ({ alice }) => `echo x >> ${alice.folder}/config/openclaw.json`),
  line(
    'put another config in its place',
    ({ alice }) =>
      `cp /dev/null ${alice.folder}/config/openclaw.new && mv ${alice.folder}/config/openclaw.new ${alice.folder}/config/openclaw.json`,
  ),
  line("move one's own config away", ({ alice }) => `mv ${alice.folder}/config/openclaw.json /tmp/`),
  line('put another folder in place of the config', ({ alice }) => `mv ${alice.folder}/config ${alice.folder}/config.old`),
  line('put another program in place of the resolver', ({ alice }) => `echo x >> ${alice.folder}/resolver.mjs`),
  line('put another program in place of OpenClaw', ({ alice }) => `touch ${alice.node}`),
  line('put a socket of its own in place of the door', ({ alice }) => `rm ${alice.folder}/door/secrets.sock`),
  line("end another agent's processes", (scene) => `kill -9 ${pidsOf(scene, scene.bob.id).join(' ')}`),
  line("end one's own sidecar", (scene) => `kill -9 ${sidecarOf(scene, scene.alice.id)}`),
  line('end the plane', ({ plane }) => `kill -9 ${plane.pid()}`),
  line('stop the plane', ({ plane }) => `kill -STOP ${plane.pid()}`),
  read('become root', () => 'setpriv --reuid=0 true'),
  read('become another agent', ({ bob }) => `setpriv --reuid=${bob.uid} true`),
  line('trace the plane', ({ plane }) => `test -r /proc/${plane.pid()}/maps && cat /proc/${plane.pid()}/maps`),
];
