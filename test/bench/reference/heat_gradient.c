/* u_t = div(k grad u), explicit Euler, loss = mean u(T)^2: value and gradient with respect to u(0) and k by a hand-written gather adjoint, float32.
   All states are stored; the step is self-adjoint; the gradient of k is kept at the faces and pulled back once.
   heat_gradient N STEPS REPEATS  ->  seconds of each repeat, then the norm of the gradient by k. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 0.15f
static int n;
#define AT(a, i, j) a[(size_t)(i) * n + (j)]

static void step(const float *restrict u, float *restrict v, const float *restrict kx, const float *restrict ky) {
#pragma omp for schedule(static)
  for (int i = 1; i < n - 1; i++)
#pragma omp simd
    for (int j = 1; j < n - 1; j++) {
      float c = AT(u, i, j);
      AT(v, i, j) = c + RATE * (AT(kx, i, j) * (AT(u, i + 1, j) - c) - AT(kx, i - 1, j) * (c - AT(u, i - 1, j)) +
                                AT(ky, i, j) * (AT(u, i, j + 1) - c) - AT(ky, i, j - 1) * (c - AT(u, i, j - 1)));
    }
}

/* gx, gy: sums over time of the products of differences on the faces */
static void faces(const float *restrict u, const float *restrict l, float *restrict gx, float *restrict gy) {
#pragma omp for schedule(static)
  for (int i = 0; i < n - 1; i++)
#pragma omp simd
    for (int j = 0; j < n - 1; j++) {
      AT(gx, i, j) -= (AT(u, i + 1, j) - AT(u, i, j)) * (AT(l, i + 1, j) - AT(l, i, j));
      AT(gy, i, j) -= (AT(u, i, j + 1) - AT(u, i, j)) * (AT(l, i, j + 1) - AT(l, i, j));
    }
}

int main(int argc, char **argv) {
  n = atoi(argv[1]);
  int steps = atoi(argv[2]), repeats = atoi(argv[3]);
  size_t m = (size_t)n * n;
  float *all = aligned_alloc(64, m * (steps + 1) * 4), *work = calloc(m * 8, 4);
  float *k = work, *kx = work + m, *ky = work + 2 * m, *gx = work + 3 * m, *gy = work + 4 * m;
  float *l = work + 5 * m, *q = work + 6 * m, *gk = work + 7 * m;
  memset(all, 0, m * (steps + 1) * 4);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double x = (i + 0.5) / n, y = (j + 0.5) / n;
      int rim = i == 0 || j == 0 || i == n - 1 || j == n - 1;
      AT(all, i, j) = rim ? 0 : exp(-40 * ((x - 0.4) * (x - 0.4) + (y - 0.6) * (y - 0.6)));
      AT(k, i, j) = 1 + 0.5 * sin(2 * M_PI * x) * sin(2 * M_PI * y);
    }
  double norm = 0;
  for (int r = 0; r < repeats; r++) {
    memset(gx, 0, m * 8);
    memset(l, 0, m * 8);
    double began = omp_get_wtime();
    float *L = l, *Q = q;
#pragma omp parallel firstprivate(L, Q)
    {
#pragma omp for
      for (int i = 0; i < n - 1; i++)
        for (int j = 0; j < n - 1; j++) {
          AT(kx, i, j) = 0.5f * (AT(k, i, j) + AT(k, i + 1, j));
          AT(ky, i, j) = 0.5f * (AT(k, i, j) + AT(k, i, j + 1));
        }
      for (int s = 0; s < steps; s++) step(all + m * s, all + m * (s + 1), kx, ky);
      const float *u = all + m * steps;
#pragma omp for
      for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++) AT(L, i, j) = 2 * AT(u, i, j) / m;
      for (int s = steps - 1; s >= 0; s--) {
        faces(all + m * s, L, gx, gy);
        step(L, Q, kx, ky);
        float *other = L;
        L = Q;
        Q = other;
      }
#pragma omp for
      for (int i = 0; i < n - 1; i++)
        for (int j = 0; j < n - 1; j++)
          AT(gk, i, j) = 0.5f * RATE * (AT(gx, i, j) + AT(gy, i, j) + (i ? AT(gx, i - 1, j) : 0) + (j ? AT(gy, i, j - 1) : 0));
    }
    printf("%.9g\n", omp_get_wtime() - began);
    norm = 0;
    for (size_t i = 0; i < m; i++) norm += (double)gk[i] * gk[i];
  }
  printf("%.9g\n", sqrt(norm));
}
