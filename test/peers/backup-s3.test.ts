import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketVersioningCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createS3Backups } from '../../functions/backup/s3.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { backupStoreConformance } from '../conformance/backup-store.ts';
import { startMoto, type ObjectServer } from './backup-servers.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const region = 'eu-central-1';
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

let server: ObjectServer;
let client: S3Client;
let count = 0;
beforeAll(async () => {
  server = await startMoto();
  client = new S3Client({ region, credentials, endpoint: server.origin, forcePathStyle: true });
}, 700_000);
afterAll(async () => {
  client.destroy();
  await server.stop();
});

async function openBucket() {
  count += 1;
  const Bucket = `backups-${count}`;
  await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
  return { Bucket, store: createS3Backups({ bucket: Bucket, region, endpoint: server.origin, credentials }) };
}

backupStoreConformance('S3', async () => {
  const { Bucket, store } = await openBucket();
  return {
    store,
    // moto 5.2.5 says of every upload that it was begun in 2010.
    datesUploads: false,
    async leaveUpload(Key) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'half' }));
      return 1;
    },
    close: async () => store.close(),
  };
});

it('says that a bucket keeps versions of what is deleted', async () => {
  const { Bucket, store } = await openBucket();
  await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  expect(await store.faults(ctx)).toEqual([`bucket ${Bucket} keeps versions of what is deleted; turn versioning off`]);
  store.close();
});

it('takes a missing bucket for a failure and never for an absent backup', async () => {
  const store = createS3Backups({ bucket: 'no-such-bucket', region, endpoint: server.origin, credentials });
  const wanted = { code: 'preconditionFailed' };
  await expect(store.get('acme/a/1', ctx)).rejects.toMatchObject(wanted);
  await expect(store.delete('acme/a/1', ctx)).rejects.toMatchObject(wanted);
  await expect(store.list('acme/', ctx)[Symbol.asyncIterator]().next()).rejects.toMatchObject(wanted);
  store.close();
});

it('says that the store cannot be reached, once and without trying again', async () => {
  const store = createS3Backups({ bucket: 'backups-1', region, endpoint: 'http://127.0.0.1:1', credentials });
  await expect(store.get('acme/a/1', ctx)).rejects.toMatchObject({ code: 'unavailable' });
  store.close();
});
