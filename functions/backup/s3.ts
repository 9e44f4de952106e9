import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { UploadPartCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Ctx } from '../core/surroundings.ts';
import { checkKey, toParts, toStoreError, type BackupStore } from './backup-store.ts';

export interface S3BackupsOptions {
  readonly bucket: string;
  readonly region: string;
  /** Elsewhere than at AWS: MinIO, Ceph and the like, with the bucket in the path. */
  readonly endpoint?: string;
  /** By default those that the environment gives the runtime. */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>;
}

export interface S3Backups extends BackupStore {
  close(): void;
}

const mostPages = 10_000;
/** How long giving a failed upload back may take; its own signal has often aborted by then. */
const abortMs = 10_000;

const failureSchema = z.object({ name: z.string(), $metadata: z.object({ httpStatusCode: z.number().optional() }).optional() });

/** Keeps backups in a bucket of S3 or of what speaks like it. Each object comes to exist with the last request of its upload. */
export function createS3Backups({ bucket, region, endpoint, credentials }: S3BackupsOptions): S3Backups {
  const client = new S3Client({
    region,
    // The schedule is the one retry layer.
    maxAttempts: 1,
    ...(credentials ? { credentials } : {}),
    // Checksums that the protocol does not ask for are not known everywhere.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' }),
  });
  const at = (key: string): { Bucket: string; Key: string } => {
    checkKey(key);
    return { Bucket: bucket, Key: key };
  };

  const nameOf = (error: unknown): string => failureSchema.safeParse(error).data?.name ?? '';
  const statusOf = (error: unknown): number | undefined => failureSchema.safeParse(error).data?.$metadata?.httpStatusCode;

  async function attempt<T>(what: string, { signal }: Ctx, call: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await call({ abortSignal: signal });
    } catch (error) {
      throw toStoreError(error, statusOf(error), what, signal);
    }
  }

  async function giveBack(upload: { Bucket: string; Key: string; UploadId: string }, { log }: Ctx): Promise<void> {
    try {
      await client.send(new AbortMultipartUploadCommand(upload), { abortSignal: AbortSignal.timeout(abortMs) });
    } catch (error) {
      log.warn(`cannot give back a failed upload to bucket ${bucket}: ${toMessage(error)}; it is cleared with the crashed ones`, {
        key: upload.Key,
      });
    }
  }

  const put = (key: string, bytes: AsyncIterable<Uint8Array>, ctx: Ctx): Promise<void> =>
    attempt(`store backup ${key} in bucket ${bucket}`, ctx, async (options) => {
      const target = at(key);
      let upload: { Bucket: string; Key: string; UploadId: string } | undefined;
      const done: { PartNumber: number; ETag: string | undefined }[] = [];
      try {
        for await (const { part, last } of toParts(bytes)) {
          ctx.signal.throwIfAborted();
          if (!upload && last) {
            await client.send(new PutObjectCommand({ ...target, Body: part }), options);
            return;
          }
          if (!upload) {
            const { UploadId } = await client.send(new CreateMultipartUploadCommand(target), options);
            if (UploadId === undefined) throw new PlaneError('unavailable', 'the store names no upload');
            upload = { ...target, UploadId };
          }
          const PartNumber = done.length + 1;
          const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body: part }), options);
          done.push({ PartNumber, ETag });
        }
        if (upload) await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: done } }), options);
      } catch (error) {
        if (upload) await giveBack(upload, ctx);
        throw error;
      }
    });

  async function get(key: string, ctx: Ctx): Promise<AsyncIterable<Uint8Array> | undefined> {
    const what = `read backup ${key} from bucket ${bucket}`;
    return attempt(what, ctx, async (options) => {
      try {
        const { Body } = await client.send(new GetObjectCommand(at(key)), options);
        if (Body) return readAll(Body as unknown as AsyncIterable<Uint8Array>, what, ctx);
        throw new PlaneError('unavailable', `cannot ${what}: the store answered without a body; it is tried again`);
      } catch (error) {
        if (nameOf(error) === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  async function* readAll(body: AsyncIterable<Uint8Array>, what: string, { signal }: Ctx): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw toStoreError(error, statusOf(error), what, signal);
    }
  }

  async function* list(prefix: string, ctx: Ctx): AsyncGenerator<{ key: string; bytes: number }> {
    const what = `list backups of bucket ${bucket}`;
    let token: string | undefined;
    for (let count = 0; count < mostPages; count += 1) {
      const from = token === undefined ? {} : { ContinuationToken: token };
      const page = await attempt(what, ctx, (options) =>
        client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...from }), options),
      );
      for (const { Key, Size = 0 } of page.Contents ?? []) if (Key !== undefined) yield { key: Key, bytes: Size };
      token = page.NextContinuationToken;
      if (token === undefined) return;
    }
    throw new PlaneError('unavailable', `cannot ${what}: its pages do not come to an end; it is tried again`);
  }

  const clear = (before: number, ctx: Ctx): Promise<number> =>
    attempt(`clear what cut uploads left in bucket ${bucket}`, ctx, async (options) => {
      let cleared = 0;
      let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
      for (let count = 0; count < mostPages; count += 1) {
        const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...from }), options);
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          if (Key === undefined || UploadId === undefined || !Initiated || Initiated.getTime() >= before) continue;
          await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), options);
          cleared += 1;
        }
        if (!page.IsTruncated || page.NextKeyMarker === undefined) return cleared;
        from = { KeyMarker: page.NextKeyMarker, ...(page.NextUploadIdMarker ? { UploadIdMarker: page.NextUploadIdMarker } : {}) };
      }
      return cleared;
    });

  return {
    put,
    get,
    list,
    clear,
    delete: (key, ctx) =>
      attempt(`delete backup ${key} from bucket ${bucket}`, ctx, async (options) => {
        await client.send(new DeleteObjectCommand(at(key)), options);
      }),
    faults: (ctx) =>
      attempt(`look at bucket ${bucket}`, ctx, async (options) => {
        const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }), options);
        return Status === 'Enabled' ? [`bucket ${bucket} keeps versions of what is deleted; turn versioning off`] : [];
      }),
    close: () => client.destroy(),
  };
}
