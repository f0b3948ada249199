/**
 * How many values a JSON text holds, before it is parsed: seven megabytes of `{},{},` become hundreds of megabytes of
 * objects. Counts what begins or separates values outside of texts; exact for valid JSON to within the nesting.
 */
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBracket = 0x5b
const openBrace = 0x7b

/** @returns whether there are more values than `most`; stops looking as soon as that is certain */
export function holdsMoreValues(json: Buffer, most: number): boolean {
  // A value takes a byte at least: pods as they are need no look at all.
  if (json.length <= most) return false
  let count = 1
  let inText = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (inText) {
      if (byte === backslash) index++
      else if (byte === quote) inText = false
    } else if (byte === quote) inText = true
    else if (byte === comma || byte === openBrace || byte === openBracket) {
      count++
      if (count > most) return true
    }
  }
  return false
}
