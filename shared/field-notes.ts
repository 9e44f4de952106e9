import { requestFieldOf, type FieldNote, type ReadRequests, type RequestField, type UserRequests } from './directory-schema.ts';
import { showValue, toFieldSentence, type Explanation, type FieldExplanation } from './explain.ts';
import { toSentence } from './problem.ts';

const isRequest = (field: string): field is keyof UserRequests => field in requestFieldOf;

function ofLimits(explained: FieldExplanation, field: RequestField): FieldNote[] {
  const { locked, origin, clamped } = explained;
  const kind = locked !== null ? 'locked' : origin === 'user' && clamped ? 'clamped' : undefined;
  return kind ? [{ field, kind, message: toFieldSentence(explained) }] : [];
}

/** The notes for a user page: what cannot be read there, what limits took away and what is locked, in the order of the fields. */
export function toFieldNotes({ problems }: Pick<ReadRequests, 'problems'>, explanation: Explanation): FieldNote[] {
  return explanation.flatMap((explained): FieldNote[] => {
    if (!isRequest(explained.field)) return [];
    const field = requestFieldOf[explained.field];
    const unread = problems.filter(({ path }) => path === field || path.startsWith(`${field}[`));
    const stays = `the last good value (${showValue(explained.field, explained.value)}) stays`;
    return [
      ...unread.map((problem): FieldNote => ({ field, kind: 'invalid', message: `${toSentence(problem)}; ${stays}` })),
      ...ofLimits(explained, field),
    ];
  });
}
