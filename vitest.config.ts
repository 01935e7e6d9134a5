import { defineConfig } from 'vitest/config';

// `--mode long` runs the suites that take minutes instead: see CONTRIBUTING.md.
export default defineConfig(({ mode }) => ({
  test: {
    setupFiles: ['./test/setup.ts'],
    include: [mode === 'long' ? 'test/**/*.long.ts' : 'test/**/*.test.ts'],
    // Room for a loaded machine: no test is timed.
    testTimeout: mode === 'long' ? 1_800_000 : 600_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
}));
