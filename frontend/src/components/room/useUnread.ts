/** How many messages of others have arrived since the chat was last open; what was said before one came is no news. */
import { useState } from 'react';

import type { ChatMessage, Member } from '../../types/roomHandle.ts';

export function useUnread(chat: ChatMessage[], me: Member | null, open: boolean): number {
  const [seenAt, setSeenAt] = useState(0);
  const latest = chat.at(-1)?.at ?? 0;
  if (open && latest > seenAt) setSeenAt(latest);
  if (open || me === null) return 0;
  const from = Math.max(seenAt, me.joinedAt);
  return chat.filter((message) => message.at > from && message.from !== me.participantId).length;
}
