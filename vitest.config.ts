import { defineConfig } from 'vitest/config';

// `--mode long` runs the suites that take minutes instead: see CONTRIBUTING.md.
export default defineConfig(({ mode }) => ({
  test: {
    setupFiles: ['./test/setup.ts'],
    include: [mode === 'long' ? 'test/**/*.long.ts' : 'test/**/*.test.ts'],
    testTimeout: mode === 'long' ? 1_800_000 : 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
}));
