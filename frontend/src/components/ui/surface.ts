/**
 * The surface a floating piece belongs to. Menus and tooltips are drawn at the end of <body>, outside the dark stage that opened
 * them; through this they take its colours along.
 */
import { createContext, use } from 'react';

export const Surface = createContext<'stage' | undefined>(undefined);

/** Attributes for the floating element. */
export function useSurface(): { 'data-surface'?: 'stage' } {
  const surface = use(Surface);
  return surface === undefined ? {} : { 'data-surface': surface };
}
