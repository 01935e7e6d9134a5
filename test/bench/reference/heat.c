/* u_t = lap u on N x N points, explicit Euler, five points, rim kept, float32, two buffers and one sweep a step.
   heat N STEPS REPEATS  ->  seconds of each repeat, then the mean square of the result. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sweep(const float *restrict u, float *restrict v, int n, float c) {
#pragma omp for schedule(static)
  for (int i = 1; i < n - 1; i++) {
    const float *above = u + (size_t)(i - 1) * n, *here = above + n, *below = here + n;
    float *out = v + (size_t)i * n;
#pragma omp simd
    for (int j = 1; j < n - 1; j++)
      out[j] = here[j] + c * (above[j] + below[j] + here[j - 1] + here[j + 1] - 4.0f * here[j]);
  }
}

int main(int argc, char **argv) {
  int n = atoi(argv[1]), steps = atoi(argv[2]), repeats = atoi(argv[3]);
  size_t cells = (size_t)n * n;
  float *start = malloc(cells * 4), *u = aligned_alloc(64, cells * 4), *v = aligned_alloc(64, cells * 4);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double x = (i + 0.5) / n - 0.4, y = (j + 0.5) / n - 0.6;
      start[(size_t)i * n + j] = exp(-40 * (x * x + y * y));
    }
  for (int r = 0; r < repeats; r++) {
    memcpy(u, start, cells * 4);
    memcpy(v, start, cells * 4);
    double began = omp_get_wtime();
#pragma omp parallel
    for (int k = 0; k < steps; k++)
      if (k % 2) sweep(v, u, n, 0.2f);
      else sweep(u, v, n, 0.2f);
    printf("%.9g\n", omp_get_wtime() - began);
  }
  const float *w = steps % 2 ? v : u;
  double sum = 0;
  for (size_t i = 0; i < cells; i++) sum += (double)w[i] * w[i];
  printf("%.9g\n", sum / cells);
}
