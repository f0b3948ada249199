/**
 * The image's own root file system, read-only, in place of the machine's: everything that the programs need is in it.
 *
 *   test process --numbered frames--> vethN ==== eth0 [web]  sidecar in the image's root, user 0, NET_RAW alone
 *                                     br0 of node-1 ==== eth0 [sensor], dumpcap
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../contract/version.ts'
import { imageConfig } from '../../image/description.ts'
import { imageContents } from '../../image/layers.ts'
import { writeRoot } from '../../image/write.ts'
import { run } from '../../lab/network/command.ts'
import { experimentalFilter, numbersOf, range, sendNumbered } from '../support/netns-numbered.ts'
import { Scene } from '../support/netns-scene.ts'
import { openFrameSender } from '../support/netns-sockets.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
/** In the sandbox's own /run, which ends with it. */
const root = '/run/vxtap-image'
const program = ['/usr/local/bin/node', ...imageConfig.entrypoint.slice(1)]

/** With Debian's merged /usr, and what a container runtime mounts. */
const folders = ['app', 'dev', 'etc', 'lib', 'proc', 'tmp', 'usr']

/**
 * As the sidecar or the injector runs: user 0 with NET_RAW alone, or another user with no capability at all. Changing
 * the root takes a capability more, which must be gone before the image's program starts, and setpriv cannot:
 * PR_CAPBSET_DROP is 24 (linux/prctl.h), CAP_NET_RAW 13.
 */
const enterAndDrop = `
import ctypes, os, sys
root, user, kept = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chroot(root)
os.chdir('/')
for capability in range(64):
  if capability != kept: ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
if user != 0:
  os.setgroups([])
  os.setresgid(user, user, user)
  os.setresuid(user, user, user)
os.execv(sys.argv[4], sys.argv[4:])
`
const enter = (user: number, kept: number, argv: readonly string[]): string[] => [
  'python3',
  '-c',
  enterAndDrop,
  root,
  String(user),
  String(kept),
  ...argv,
]

/** Who is root in a user namespace of one number cannot become another user but in one more, which real root need not make. */
const numbers = Number(readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2])
const asInjector = (argv: readonly string[]): string[] =>
  numbers > 65532
    ? enter(65532, -1, argv)
    : ['unshare', '--user', '--map-user=65532', '--map-group=65532', `--root=${root}`, '--wd=/', ...argv]

const asSidecar = {
  program: enter(0, 13, [...program, 'sidecar']),
  capabilities: ',+net_raw,+sys_chroot,+setpcap',
}

describe("given the image's root file system and nothing else", () => {
  beforeAll(async () => {
    await run([process.execPath, join(checkout, 'scripts/bundle.ts')], { timeoutMs: 60_000 })
    const { runtime, application } = await imageContents(checkout)
    mkdirSync(root)
    await run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', root])
    writeRoot(root, [...runtime, ...application])
    // What every container runtime adds.
    for (const name of ['proc', 'dev']) {
      mkdirSync(join(root, name))
      await run(['mount', '--rbind', `/${name}`, join(root, name)])
    }
    await run(['mount', '-o', 'remount,bind,ro', root])
  })
  afterAll(() => run(['umount', '--lazy', root]))

  it('when the injector starts as user 65532, then it is that, can write nowhere, and every command loads', async () => {
    const identity = "process.stdout.write([process.getuid(), process.getgid(), os.userInfo().username].join(' '))"
    const node = program[0]!
    expect(await run(asInjector([node, '-e', identity]))).toBe('65532 65532 vxtap')
    const status = "process.stdout.write(fs.readFileSync('/proc/self/status', 'utf8'))"
    expect(await run(asInjector([node, '-e', status]))).toMatch(/^CapEff:\t0000000000000000$/m)
    const writing = "fs.writeFileSync('/tmp/file', '')"
    await expect(run(asInjector([node, '-e', writing]))).rejects.toThrow('EROFS')
    expect((await run(asInjector([...program, '--version']))).trim()).toBe(version)
    for (const command of ['injector', 'sidecar', 'receive', 'inject']) {
      expect(await run(asInjector([...program, command, '--help']))).toContain(`Usage: vxtap ${command}`)
    }
  })

  it('when the sidecar taps with a FILTER, as user 0 with NET_RAW alone, then the sensor has those frames', async () => {
    const scene = await Scene.create()
    try {
      const { web } = scene
      const { sidecar, finish } = await scene.tap({ ENGINE: 'ring', FILTER: experimentalFilter }, asSidecar)
      const status = await run(['cat', `/proc/${sidecar.child.pid}/status`])
      expect(status).toMatch(/^CapEff:\t0000000000002000$/m)
      expect(status).toMatch(/^CapBnd:\t0000000000002000$/m)
      const sender = scene.closeLater(openFrameSender(web.node.namespace, web.nodeInterface))
      sendNumbered(sender, 0, 100)
      await sidecar.untilMetrics('all frames', ({ sent }) => sent === 100)
      const { ended, frames } = await finish()
      expect(ended).toEqual({ code: 0, signal: null })
      expect(numbersOf(frames)).toEqual(range(0, 100))
    } finally {
      await scene.close()
    }
  })

  it('then it has no shell, no package manager, and no program but Node', async () => {
    const executable = await run(['find', root, '-xdev', '-type', 'f', '-perm', '/111', '-printf', '/%P\\n'])
    const programs = executable.split('\n').filter((path) => path !== '' && !/\.so(\.|$)/.test(path))
    expect(programs).toEqual(['/usr/local/bin/node'])
    // x86-64 has its loader in a folder of its own.
    const found = (await run(['ls', root])).trim().split('\n')
    expect(found.filter((name) => name !== 'lib64')).toEqual(folders)
  })
})
