import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { peerOf } from '../../scripts/local/peer.ts';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (local: string, remote: string, uid: number, inode = 4711): string =>
  `   1: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000 ${uid} 0 ${inode} 1 0000000000000000 20 0 0 10 -1`;
const table = (...rows: string[]): string => [head, ...rows, ''].join('\n');

const ends = { remoteAddress: '127.0.0.1', remotePort: 0xabcd, localAddress: '127.0.0.1', localPort: 0x2256 };
const lookUp = (...tables: string[]) => peerOf(ends, async () => tables);
const [here, there] = ['0100007F:2256', '0100007F:ABCD'];

describe('the peer of a connection, in a table', () => {
  it('is the user of the row with both addresses and both ports', async () => {
    expect(await lookUp(table(row(here, there, 0), row(there, here, 61_000)))).toEqual({ uid: 61_000 });
  });

  it('is found in the table of IPv6 only with mapped addresses', async () => {
    const mapped = '0000000000000000FFFF0000';
    expect(await lookUp(table(), table(row(mapped + there, mapped + here, 61_000)))).toEqual({ uid: 61_000 });
    const other = '00000000000000000000000001000000';
    expect(await lookUp(table(), table(row(`${other}:ABCD`, `${other}:2256`, 0)))).toBe('unknown');
  });

  it.each([
    ['no row fits', []],
    ['another address holds the port', [row('0200007F:ABCD', here, 0)]],
    ['it talks to another address', [row(there, '0200007F:2256', 0)]],
    ['its row has no inode', [row(there, here, 0, 0)]],
    ['two rows fit', [row(there, here, 0), row(there, here, 61_000)]],
  ])('is unknown when %s', async (_name, rows) => {
    expect(await lookUp(table(...rows))).toBe('unknown');
  });

  it('is unknown at any other address, without a look', async () => {
    const read = jest.fn(async () => [table(row('0200007F:ABCD', here, 0), row(there, here, 0))]);
    expect(await peerOf({ ...ends, remoteAddress: '127.0.0.2' }, read)).toBe('unknown');
    expect(await peerOf({ ...ends, localAddress: '127.0.0.2' }, read)).toBe('unknown');
    expect(read).not.toHaveBeenCalled();
  });
});

if (process.platform === 'linux') {
  describe('the peer of a real connection', () => {
    const sockets: Socket[] = [];
    let server: Server;
    beforeEach(async () => {
      server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
    });
    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    async function accept(localAddress: string, localPort?: number): Promise<Socket> {
      const { port } = server.address() as AddressInfo;
      const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
      const client = connect({ port, host: '127.0.0.1', localAddress, ...(localPort === undefined ? {} : { localPort }) });
      sockets.push(client);
      await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
      const socket = await accepted;
      sockets.push(socket);
      return socket;
    }

    it('is our own user', async () => {
      expect(await peerOf(await accept('127.0.0.1'))).toEqual({ uid: process.getuid?.() });
    });

    it('is unknown from 127.0.0.2, also on a port that we hold on 127.0.0.1', async () => {
      const own = await accept('127.0.0.1');
      const impostor = await accept('127.0.0.2', own.remotePort);
      expect(impostor.remotePort).toBe(own.remotePort);
      expect(await peerOf(impostor)).toBe('unknown');
      expect(await peerOf(own)).toEqual({ uid: process.getuid?.() });
    });
  });
}
