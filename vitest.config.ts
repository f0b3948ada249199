import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        // One at a time: each of these builds namespaces, moves real packets and counts them.
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      // Needs helm, which it builds the first time.
      { test: { name: 'chart', include: ['test/chart/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 600_000 } },
      {
        // Beside a cluster (scripts/cluster.sh), which has one installation of the chart for all of them.
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/e2e/world/install.ts',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
