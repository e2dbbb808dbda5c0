/* tiny_conv by CMSIS-NN, on the same constants as ours: its convolution, and the whole network.
   The wheel with CMSIS-NN's sources has no softmax; that one is ours. */
#include "arm_nnfunctions.h"
#include "constants.h"
#include "softmax.h"

static int8_t input[INPUT_SIZE], convolved[CONVOLVED_SIZE], logits[OUTPUTS], scores[OUTPUTS];
static int16_t buffer[BUFFER_SIZE / 2];

int8_t *cmsis_input(void);
int8_t *cmsis_convolved(void);
int8_t *cmsis_scores(void);
int32_t cmsis_convolution(void);
int32_t cmsis_network(void);

int8_t *cmsis_input(void)
{
    return input;
}

int8_t *cmsis_convolved(void)
{
    return convolved;
}

int8_t *cmsis_scores(void)
{
    return scores;
}

/* 0, or what went wrong. */
int32_t cmsis_convolution(void)
{
    static const cmsis_nn_dims input_dims = {1, IN_HEIGHT, IN_WIDTH, IN_CHANNELS};
    static const cmsis_nn_dims filter_dims = {OUT_CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH,
                                              IN_CHANNELS};
    static const cmsis_nn_dims bias_dims = {1, 1, 1, OUT_CHANNELS};
    static const cmsis_nn_dims output_dims = {1, OUT_HEIGHT, OUT_WIDTH, OUT_CHANNELS};
    const cmsis_nn_conv_params params = {
        .input_offset = INPUT_OFFSET,
        .output_offset = CONVOLVED_ZERO_POINT,
        .stride = {STRIDE_WIDTH, STRIDE_HEIGHT},
        .padding = {PAD_LEFT, PAD_TOP},
        .dilation = {1, 1},
        .activation = {CONVOLVED_LOW, CONVOLVED_HIGH}};
    const cmsis_nn_per_channel_quant_params quantization = {multipliers, shifts};
    const cmsis_nn_context context = {buffer, BUFFER_SIZE};
    if (arm_convolve_wrapper_s8_get_buffer_size(&params, &input_dims, &filter_dims,
                                                &output_dims) > BUFFER_SIZE)
        return 1;
    return arm_convolve_wrapper_s8(&context, &params, &quantization, &input_dims, input,
                                   &filter_dims, weights, &bias_dims, biases, &output_dims,
                                   convolved);
}

/* 0, or what went wrong. */
int32_t cmsis_network(void)
{
    static const cmsis_nn_dims input_dims = {1, 1, 1, CONVOLVED_SIZE};
    static const cmsis_nn_dims filter_dims = {CONVOLVED_SIZE, 1, 1, OUTPUTS};
    static const cmsis_nn_dims output_dims = {1, 1, 1, OUTPUTS};
    const cmsis_nn_fc_params params = {.input_offset = -(CONVOLVED_ZERO_POINT),
                                       .output_offset = LOGITS_ZERO_POINT,
                                       .activation = {LOGITS_LOW, LOGITS_HIGH}};
    const cmsis_nn_per_tensor_quant_params quantization = {FULL_MULTIPLIER, FULL_SHIFT};
    const cmsis_nn_context context = {buffer, BUFFER_SIZE};
    if (cmsis_convolution())
        return 1;
    const int32_t status = arm_fully_connected_s8(
        &context, &params, &quantization, &input_dims, convolved, &filter_dims, full_weights,
        &output_dims, full_biases, &output_dims, logits);
    kws_softmax(1, OUTPUTS, exponentials, DISTANCES, logits, scores);
    return status;
}
