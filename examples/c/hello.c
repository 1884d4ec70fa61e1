/* Sums the columns of a matrix. cc hello.c $(pkg-config --cflags --libs minpy) */
#include <minpy/minpy.h>
#include <stdio.h>

int main(void) {
    const double data[] = {1, 2, 3, 4, 5, 6};
    const int64_t shape[] = {2, 3}, axis = 0;
    const minpy_device cpu = {MINPY_CPU, 0};
    minpy_array x = NULL, y = NULL;
    minpy_buffer text = NULL;
    minpy_status status = minpy_array_from_host(data, shape, NULL, 2, MINPY_FLOAT64, cpu, &x);
    if (!status) status = minpy_sum(x, &axis, 1, 0, &y);
    if (!status) status = minpy_array_to_string(y, &text);
    puts(status ? minpy_last_error_message() : minpy_buffer_data(text, NULL)); /* [5. 7. 9.] */
    minpy_buffer_release(text);
    minpy_array_release(y);
    minpy_array_release(x);
    return status != 0;
}
