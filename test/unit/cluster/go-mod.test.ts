import { describe, expect, it } from 'vitest'
import { goModOf } from '../../cluster/programs/go.ts'

describe('the go.mod that a program is built with', () => {
  it('replaces what the program has as v0.0.0 by the version published with it, and nothing else', () => {
    const own = {
      Go: '1.26.0',
      Require: [
        { Path: 'github.com/google/cel-go', Version: 'v0.26.0' },
        { Path: 'k8s.io/api', Version: 'v0.0.0' },
        { Path: 'k8s.io/utils', Version: 'v0.0.0-20260210185600-b8788abfbbc2' },
      ],
    }
    expect(goModOf({ module: 'k8s.io/kubernetes', version: 'v1.36.4' }, own)).toBe(
      [
        'module vxtap.invalid/programs',
        'go 1.26.0',
        'require k8s.io/kubernetes v1.36.4',
        'replace k8s.io/api => k8s.io/api v0.36.4',
        '',
      ].join('\n'),
    )
  })

  it('replaces nothing where the program requires only what is published', () => {
    expect(goModOf({ module: 'helm.sh/helm/v3', version: 'v3.21.4' }, { Go: '1.25.0' })).toBe(
      'module vxtap.invalid/programs\ngo 1.25.0\nrequire helm.sh/helm/v3 v3.21.4\n',
    )
  })
})
