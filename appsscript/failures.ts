import type { Failure } from './backend.ts';
import type { Message } from './cards/message.ts';

export const notSetUp: Message = {
  title: 'This add-on is not connected yet',
  text: 'It does not know the address of your Agents Plane.',
  next: 'Ask whoever installed it to set the script properties backendUrl and planeId.',
};

export const nobodySignedIn: Message = {
  title: 'Google did not say who you are',
  text: 'Without that, the plane cannot check what you may do.',
  next: 'Close this panel, open it again and agree to what the add-on asks for. If that does not help, reload the page.',
};

export const bugInAddOn: Message = {
  title: 'Something went wrong in the add-on',
  text: 'This card could not be shown. Nothing was changed by that.',
  next: 'Try again. If it happens again, send the time and what you clicked to whoever runs your Agents Plane.',
};

export const nobodyLike = (words: string): Message => ({
  title: 'Nobody found',
  text: `No name or address in your directory begins with ${words}.`,
  next: 'Try the last name, or a whole e-mail address. People who were added a minute ago may take a little longer to appear.',
});

/** After a change that was made, where only drawing the card anew went wrong. */
export const doneButUnseen = (text: string, { next, requestId }: Message): Message => ({
  title: 'Done, but the card could not be refreshed',
  text,
  next,
  ...(requestId === undefined ? {} : { requestId }),
});

export const movedMeanwhile: Message = {
  title: 'Somebody else changed the policies',
  text: 'Your change was not saved. Below is how it stands now.',
  next: 'Check it, then enter your change again.',
};

export const decidedMeanwhile: Message = {
  title: 'This is decided already',
  text: 'Somebody else decided it, or it was withdrawn.',
  next: 'Below is what is still waiting.',
};

export const backupIsGone: Message = {
  title: 'This backup no longer exists',
  text: 'It was kept until its date and then destroyed.',
  next: 'Choose another one.',
};

export const noSuchPlane = (planeId: string): Message => ({
  title: 'Plane not found',
  text: `Your Agents Plane does not have a plane named ${planeId}.`,
  next: 'Ask whoever installed this add-on to check the script property planeId.',
});

export const nobodyHas = (email: string): Message => ({
  title: 'Nobody found',
  text: `Nobody in your directory has the address ${email}.`,
  next: 'Check the spelling. People who were added a minute ago may take a little longer to appear.',
});

/** A failure in words: what happened and what to do. */
export function toMessage({ kind, detail, requestId }: Failure): Message {
  const support = requestId === undefined ? {} : { requestId };
  switch (kind) {
    case 'unreachable':
      return {
        title: 'Agents Plane cannot be reached',
        text: `No answer came${detail === undefined ? '' : ` (${detail})`}. Your agents keep running.`,
        next: 'Try again in a minute. If it stays like this, tell whoever runs your Agents Plane.',
      };
    case 'slow':
      return {
        title: 'Agents Plane is slow right now',
        text: detail ?? 'It did not answer in time. If you asked for a change, it may have been made all the same.',
        next: 'Wait a minute, then refresh to see how things stand.',
        ...support,
      };
    case 'foreign':
      return {
        title: 'That was not Agents Plane',
        text: 'Something else answered at its address, such as a proxy or a sign-in page.',
        next: 'Ask whoever installed this add-on to check the script property backendUrl.',
        ...support,
      };
    case 'unauthenticated':
      return {
        title: 'Your sign-in was not accepted',
        text: detail ?? 'The plane did not recognize your Google sign-in.',
        next: 'Reload the page and open the add-on again. If that does not help, the add-on needs to be registered with the plane.',
        ...support,
      };
    case 'forbidden':
      return {
        title: 'You do not have permission for this',
        text: detail ?? 'Your role does not include this.',
        next: 'Agent Viewers can look but not change. A super admin can give you the Agent Admin role in the Admin console.',
        ...support,
      };
    case 'notFound':
      return {
        title: 'Not found',
        text: detail ?? 'It is not there any more.',
        next: 'Go back and refresh: the person or the agent may have been removed.',
        ...support,
      };
    case 'conflict':
      return {
        title: 'Not changed: something else decides this',
        text: detail ?? 'This value is managed elsewhere or has just been changed.',
        next: 'Refresh to see how it stands now.',
        ...support,
      };
    case 'invalid':
      return {
        title: 'Not accepted',
        text: detail ?? 'The plane did not accept the request.',
        next: 'Go back, check what you entered and try again.',
        ...support,
      };
    case 'busy':
      return {
        title: 'Too much at once',
        text: detail ?? 'The plane or Google is limiting requests right now.',
        next: 'Wait a minute, then try again.',
        ...support,
      };
    case 'broken':
      return {
        title: 'Agents Plane had a problem',
        text: detail ?? 'It could not finish this. Your agents keep running.',
        next: 'Try again in a minute. If it happens again, tell whoever runs your Agents Plane.',
        ...support,
      };
  }
}
