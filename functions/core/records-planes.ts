import type { Plane } from '../../shared/plane.ts';

/** A plane as its planes.yaml says it. Times are milliseconds since 1970, UTC. */
export interface PlaneRecord {
  readonly planeId: string;
  /** Grows with every change of anything here. */
  readonly revision: number;
  /** Who is in a plane that is `removing` loses their agent; one that is `removed` is kept for what its audit speaks of. */
  readonly state: 'active' | 'removing' | 'removed';
  /** Who may change the definition: whoever applies its file, or the API and the cards as well. */
  readonly managedBy: 'file' | 'api';
  readonly definition: Plane;
  /** SHA-256, lower-case hex, of the file that was last taken up at a start: the same file is not taken up twice. */
  readonly fileDigest?: string;
  readonly updatedAt: number;
  /** An actor's id. */
  readonly updatedBy: string;
}
