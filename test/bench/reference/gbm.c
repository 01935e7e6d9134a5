/* Geometric Brownian motion by Euler-Maruyama, float32. Normal numbers by normals.h.
   gbm TRAJECTORIES STEPS REPEATS  ->  seconds of each repeat, then the mean at the end. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#define W 64
#include "normals.h"

int main(int argc, char **argv) {
  int n = atoi(argv[1]), steps = atoi(argv[2]), repeats = atoi(argv[3]);
  float dt = 1.0f / steps, root = sqrtf(dt);
  double sum = 0;
  for (int r = 0; r < repeats; r++) {
    sum = 0;
    double began = omp_get_wtime();
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (int b = 0; b < n / W; b++) {
      float x[W], g[W];
      for (int i = 0; i < W; i++) x[i] = 1;
      for (int k = 0; k < steps; k++) {
        normals(mixed(k * 0x9e3779b9U + 12345u + r), b * (W / 2), g);
#pragma omp simd
        for (int i = 0; i < W; i++) x[i] += x[i] * (0.05f * dt + 0.2f * root * g[i]);
      }
      for (int i = 0; i < W; i++) sum += x[i];
    }
    printf("%.9g\n", omp_get_wtime() - began);
  }
  printf("%.9g\n", sum / (n / W * W));
}
