import { describe, expect, it } from 'vitest'
import { terminalPicture } from '../../../scripts/demo-svg.ts'

describe('the picture of the demonstration', () => {
  const output = '  sensor       pod <sensor-1> & "label"\n\n  verdict      every frame of the wire is at the sensor\n'
  const picture = terminalPicture(output, 'make demo')

  it('keeps every word of the output as text, escaped for XML', () => {
    const text = picture.replace(/<style>[\s\S]*<\/style>/, '').replace(/<[^>]+>/g, '\n')
    expect(text).toContain('pod &lt;sensor-1&gt; &amp; &quot;label&quot;')
    expect(text).toContain('$ make demo')
  })

  it('has colours for a light and a dark theme', () => {
    expect(picture).toContain('prefers-color-scheme:dark')
  })

  it('closes every element that it opens', () => {
    const names = (pattern: RegExp) => [...picture.matchAll(pattern)].map((match) => match[1]).toSorted()
    expect(names(/<([a-z]+)(?:\s[^>]*[^/])?>/g)).toEqual(names(/<\/([a-z]+)>/g))
  })
})
