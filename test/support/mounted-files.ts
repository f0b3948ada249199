/** Files as the kubelet mounts them from a Secret or a ConfigMap. */
import { existsSync } from 'node:fs'
import { mkdtemp, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * As kubernetes/pkg/volume/util/atomic_writer.go: a new folder for each version, `..data` pointing to the current one by
 * a symbolic link that is renamed into place, and the visible files pointing into `..data`.
 * @param files content by name; the same names each time
 */
export async function mountFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  const version = await mkdtemp(join(directory, '..version-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(version, name), content)
  await symlink(version, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, '..data'))
  for (const name of Object.keys(files)) {
    if (!existsSync(join(directory, name))) await symlink(join('..data', name), join(directory, name))
  }
}
