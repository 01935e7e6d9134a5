/* Lorenz 1963 by the classical Runge-Kutta method, float32; the state of 64 trajectories stays in registers and the first cache over all steps.
   lorenz TRAJECTORIES STEPS REPEATS  ->  seconds of each repeat, then the mean of z at the end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define W 64

static inline void rate(float x, float y, float z, float *a, float *b, float *c) {
  *a = 10.0f * (y - x);
  *b = x * (28.0f - z) - y;
  *c = x * y - (8.0f / 3.0f) * z;
}

int main(int argc, char **argv) {
  int n = atoi(argv[1]), steps = atoi(argv[2]), repeats = atoi(argv[3]);
  const float h = 0.01f;
  double sum = 0;
  for (int r = 0; r < repeats; r++) {
    sum = 0;
    double began = now();
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (int b = 0; b < n / W; b++) {
      float x[W], y[W], z[W];
      for (int i = 0; i < W; i++) {
        double q = b * W + i;
        x[i] = 1 + 0.5 * sin(0.7 * q);
        y[i] = 1 + 0.5 * sin(1.3 * q);
        z[i] = 25 + 0.5 * sin(1.9 * q);
      }
      for (int k = 0; k < steps; k++)
#pragma omp simd
        for (int i = 0; i < W; i++) {
          float a1, b1, c1, a2, b2, c2, a3, b3, c3, a4, b4, c4, X = x[i], Y = y[i], Z = z[i];
          rate(X, Y, Z, &a1, &b1, &c1);
          rate(X + .5f * h * a1, Y + .5f * h * b1, Z + .5f * h * c1, &a2, &b2, &c2);
          rate(X + .5f * h * a2, Y + .5f * h * b2, Z + .5f * h * c2, &a3, &b3, &c3);
          rate(X + h * a3, Y + h * b3, Z + h * c3, &a4, &b4, &c4);
          x[i] = X + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
          y[i] = Y + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4);
          z[i] = Z + h / 6 * (c1 + 2 * c2 + 2 * c3 + c4);
        }
      for (int i = 0; i < W; i++) sum += z[i];
    }
    printf("%.9g\n", now() - began);
  }
  printf("%.9g\n", sum / (n / W * W));
}
