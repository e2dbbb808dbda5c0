/* The first convolution of a network by CMSIS-NN, on the same constants as ours. */
#include "arm_nnfunctions.h"
#include "constants.h"

static int8_t input[INPUT_SIZE], output[OUTPUT_SIZE];
static int8_t buffer[BUFFER_SIZE] __attribute__((aligned(4)));

int8_t *cmsis_input(void);
int8_t *cmsis_output(void);
int32_t cmsis_buffer_size(void);
int32_t cmsis_run(void);

static const cmsis_nn_dims input_dims = {1, IN_HEIGHT, IN_WIDTH, IN_CHANNELS};
static const cmsis_nn_dims filter_dims = {OUT_CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, IN_CHANNELS};
static const cmsis_nn_dims bias_dims = {1, 1, 1, OUT_CHANNELS};
static const cmsis_nn_dims output_dims = {1, OUT_HEIGHT, OUT_WIDTH, OUT_CHANNELS};

int8_t *cmsis_input(void) { return input; }

int8_t *cmsis_output(void) { return output; }

int32_t cmsis_buffer_size(void) { return arm_convolve_s8_get_buffer_size(&input_dims, &filter_dims); }

int32_t cmsis_run(void)
{
    const cmsis_nn_context context = {buffer, BUFFER_SIZE};
    const cmsis_nn_conv_params params = {
        .input_offset = INPUT_OFFSET, .output_offset = OUTPUT_OFFSET,
        .stride = {STRIDE_WIDTH, STRIDE_HEIGHT}, .padding = {PAD_LEFT, PAD_TOP},
        .dilation = {1, 1}, .activation = {LOW, HIGH}};
    const cmsis_nn_per_channel_quant_params quantization = {(int32_t *)multipliers,
                                                            (int32_t *)shifts};
    return arm_convolve_s8(&context, &params, &quantization, &input_dims, input, &filter_dims,
                           weights, &bias_dims, biases, &output_dims, output);
}
