/** The image under test: that of the suite's own cluster, or the one named for a cluster at hand. */
import { pauseImage as ownPauseImage, vxtapImage } from '../../cluster/image/names.ts'

const named = process.env['E2E_IMAGE']

export const image = named || vxtapImage

/** What does nothing in a megabyte; a cluster at hand need not have it. */
export const pauseImage = named ? undefined : ownPauseImage

export interface ImageReference {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

/** A port belongs to the registry's name, so that a tag comes after the last slash. */
export function parseImage(reference: string): ImageReference {
  const [name = '', digest = ''] = reference.split('@')
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  return colon < 0
    ? { repository: name, tag: '', digest }
    : { repository: name.slice(0, colon), tag: name.slice(colon + 1), digest }
}

export const imageRepository = parseImage(image).repository

/** Helm's options for the rest of the name; the chart's own version is its default tag. */
export const imageOptions = ({ tag, digest }: ImageReference = parseImage(named || '')): readonly string[] => [
  ...(tag === '' ? [] : ['--set', `image.tag=${tag}`]),
  ...(digest === '' ? [] : ['--set', `image.digest=${digest}`]),
]
