process.chdir(import.meta.dirname);
const { createConnection } = await import('node:net');
const socket = createConnection('door/secrets.sock');
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
process.stdin.pipe(socket).pipe(process.stdout);
