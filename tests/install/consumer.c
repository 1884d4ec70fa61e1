/* The least that a user's program does; built by three ways of finding the library, with a C compiler alone. */
#include <minpy/minpy.h>
#include <stdio.h>

int main(void) {
    const double data[3] = {1, 2, 3};
    const int64_t shape[1] = {3};
    const minpy_device cpu = {1, 0};
    minpy_array x = NULL, y = NULL;
    double sum[3] = {0, 0, 0};
    if (minpy_initialize(MINPY_ABI_VERSION)) return 1;
    if (minpy_array_from_host(data, shape, NULL, 1, MINPY_FLOAT64, cpu, &x)) return 2;
    if (minpy_add(x, x, &y)) return 3;
    if (minpy_array_to_host(y, sum, sizeof sum, NULL)) return 4;
    minpy_array_release(x);
    minpy_array_release(y);
    printf("%x %g %g %g\n", (unsigned)minpy_version(), sum[0], sum[1], sum[2]);
    return sum[0] == 2 && sum[1] == 4 && sum[2] == 6 ? 0 : 5;
}
