// Plain data compared by what it holds: records, lists, numbers (NaN equals itself, 0 and -0 differ), strings, truth values. For tables whose keys are whole kernels: a number that equal data have in
// common finds the few candidates, a comparison decides. Nothing is written out as text.

/** A 32-bit number, equal for equal data whose fields were written in the same order. */
export function structureHash(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return mixed(1, Number.isInteger(value) ? value | 0 : textHash(String(value)));
    case 'string':
      return textHash(value);
    case 'boolean':
      return value ? 5 : 7;
    case 'object': {
      if (value === null) return 11;
      let hash = 13;
      if (Array.isArray(value)) for (const element of value) hash = mixed(hash, structureHash(element));
      else if (isRecord(value)) for (const name in value) hash = mixed(hash, structureHash(value[name]));
      return hash;
    }
    default:
      return 17;
  }
}

/** Words of a small vocabulary: their length and three of their letters. */
function textHash(text: string): number {
  const last = text.length - 1;
  const ends = mixed(text.charCodeAt(0), text.charCodeAt(last));
  return mixed(mixed(ends, text.charCodeAt(last >> 1)), last);
}

/** One step of FNV-1a, on 32 bits at once. */
function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value ^ (hash >>> 15), 0x01000193);
}

function isRecord(x: unknown): x is Readonly<Record<string, unknown>> {
  return typeof x === 'object' && x !== null;
}

/** Whether two pieces of plain data hold the same. */
export function sameStructure(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isRecord(a) || !isRecord(b)) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((element: unknown, i) => sameStructure(element, b[i]));
  }
  let fields = 0;
  for (const name in a) {
    if (!(name in b) || !sameStructure(a[name], b[name])) return false;
    fields++;
  }
  for (const _name in b) fields--;
  return fields === 0;
}
