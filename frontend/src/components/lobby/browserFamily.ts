/** Which browser this is, as far as its permission buttons differ. Guessing wrong costs a less exact sentence, nothing else. */

export type BrowserFamily = 'Chrome' | 'Edge' | 'Yandex' | 'Firefox' | 'Safari' | 'Ios' | 'Android' | 'Other';

/** Order matters: everyone claims to be Safari, most claim to be Chrome. */
const MARKS: Array<[RegExp, BrowserFamily]> = [
  [/iPhone|iPad|iPod/u, 'Ios'],
  [/YaBrowser/u, 'Yandex'],
  [/Android/u, 'Android'],
  [/Edg\//u, 'Edge'],
  [/Firefox\//u, 'Firefox'],
  [/Chrome\//u, 'Chrome'],
  [/Safari\//u, 'Safari'],
];

export function browserFamily(userAgent: string = navigator.userAgent): BrowserFamily {
  return MARKS.find(([mark]) => mark.test(userAgent))?.[1] ?? 'Other';
}
