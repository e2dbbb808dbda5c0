#include "device.h"

#include <string.h>

#include "frame.h"
#include "port.h"
#include "stages.h"

/* An inference every 100 ms, the last three averaged, a detection over a half, a second's rest. */
enum { HOPS = 5, INFERENCES = 3, REFRACTORY_MS = 1000, THRESHOLD = 128 };

enum source { SOURCE_NONE, SOURCE_LINK, SOURCE_MICROPHONE };

static struct {
    struct kws_frame_reader reader;
    struct kws_frame_writer writer;
    struct kws_pipeline pipeline;
    enum source source; /* of the stream in which keywords are detected */
    uint32_t detections, lost;
} device;

/* Parts of a reply. */

static void put_number(uint32_t number, size_t bytes)
{
    uint8_t little_endian[4];
    for (size_t i = 0; i < bytes; ++i)
        little_endian[i] = (uint8_t)(number >> 8 * i);
    kws_frame_put(&device.writer, little_endian, bytes);
}

/* Its last byte is 0. */
static void put_text(const char *text)
{
    do
        kws_frame_put(&device.writer, text, 1);
    while (*text++ != 0);
}

static void begin_reply(const struct kws_frame *request)
{
    kws_frame_begin(&device.writer, (uint8_t)(request->kind | KWS_REPLY), request->sequence);
}

static void end_reply(void)
{
    kws_frame_end(&device.writer);
}

static void refuse(const struct kws_frame *request, enum kws_error error)
{
    kws_frame_begin(&device.writer, KWS_ERROR, request->sequence);
    put_number(error, 1);
    end_reply();
}

/* The stream. */

static bool begin_stream(enum source source, const struct kws_settings *settings)
{
    if (!kws_pipeline_reset(&device.pipeline, settings))
        return false;
    device.source = source;
    device.detections = device.lost = 0;
    return true;
}

static void begin_default_stream(enum source source)
{
    struct kws_settings settings = {
        .hops = HOPS, .inferences = INFERENCES, .refractory_ms = REFRACTORY_MS};
    memset(settings.thresholds, THRESHOLD, sizeof settings.thresholds);
    begin_stream(source, &settings);
}

static void report(const struct kws_detection *detection)
{
    ++device.detections;
    kws_port_detected(detection->label);
    kws_frame_begin(&device.writer, KWS_DETECTION, 0);
    put_number((uint32_t)detection->label, 1);
    put_number((uint32_t)detection->sum, 2);
    put_number(detection->time_ms, 4);
    end_reply();
}

/* Without a stream there is nothing to detect, but an image to make. */
static void hear(const int16_t *samples, size_t n)
{
    if (device.source == SOURCE_NONE) {
        device.pipeline.frames += kws_frontend_push(&device.pipeline.frontend, samples, n);
        return;
    }
    const struct kws_detection detection = kws_pipeline_hear(&device.pipeline, samples, n);
    if (detection.label != KWS_NO_DETECTION)
        report(&detection);
}

/* The requests. */

static void answer_info(const struct kws_frame *request)
{
    static const char *const labels[] = KWS_NETWORK_LABELS;
    _Static_assert(sizeof labels / sizeof *labels == KWS_NETWORK_OUTPUT_SIZE, "labels are missing");
    begin_reply(request);
    put_text(KWS_NETWORK_SHA256);
    put_number(KWS_NETWORK_ARENA_SIZE, 4);
    put_number(KWS_NETWORK_LAYERS, 1);
    put_number(kws_port_facts.counts, 1);
    put_number(kws_port_facts.numerator, 2);
    put_number(kws_port_facts.denominator, 2);
    put_number(kws_port_facts.clock_hz, 4);
    put_text(kws_port_facts.board);
    put_number(KWS_NETWORK_OUTPUT_SIZE, 1);
    for (size_t i = 0; i < KWS_NETWORK_OUTPUT_SIZE; ++i)
        put_text(labels[i]);
    end_reply();
}

static void answer_hear(const struct kws_frame *request)
{
    const uint8_t *from = request->payload;
    size_t left = request->size / sizeof(int16_t);
    int16_t samples[KWS_HOP / 4]; /* the payload's are not aligned */
    while (left > 0) {
        const size_t n = left < KWS_HOP / 4 ? left : KWS_HOP / 4;
        memcpy(samples, from, n * sizeof *samples);
        hear(samples, n);
        from += n * sizeof *samples;
        left -= n;
    }
    begin_reply(request);
    put_number(device.pipeline.frames, 4);
    end_reply();
}

static void answer_features(const struct kws_frame *request)
{
    const struct kws_frontend *const frontend = &device.pipeline.frontend;
    begin_reply(request);
    for (size_t i = 0; i < KWS_FRAMES; ++i)
        kws_frame_put(&device.writer, frontend->rows[(frontend->oldest + i) % KWS_FRAMES],
                      KWS_BANDS);
    end_reply();
}

static void answer_infer(const struct kws_frame *request)
{
    int8_t *const input = kws_network_input();
    if (request->size == 0)
        kws_frontend_input(&device.pipeline.frontend, input);
    else
        for (size_t i = 0; i < KWS_IMAGE_SIZE; ++i)
            input[i] = (int8_t)(request->payload[i] - 128);
    kws_network_run();
    begin_reply(request);
    kws_frame_put(&device.writer, kws_network_output(), KWS_NETWORK_OUTPUT_SIZE);
    end_reply();
}

static void answer_profile(const struct kws_frame *request)
{
    static void (*const timed[])(void) = {kws_stage_nothing, kws_stage_features, kws_stage_image,
                                          kws_network_run, kws_stage_postprocess};
    kws_port_microphone(false);
    device.source = SOURCE_NONE;
    kws_stages_prepare(&device.pipeline, request->payload);
    begin_reply(request);
    for (size_t i = 0; i < sizeof timed / sizeof *timed; ++i)
        put_number(kws_stage_time(timed[i]), 4);
    kws_stage_image();
    for (size_t i = 0; i < KWS_NETWORK_LAYERS; ++i)
        put_number(kws_stage_time(kws_network_layers[i]), 4);
    end_reply();
}

static void answer_stream(const struct kws_frame *request)
{
    const uint8_t *const bytes = request->payload;
    struct kws_settings settings = {
        .hops = bytes[1], .inferences = bytes[2],
        .refractory_ms = (uint16_t)(bytes[3] | bytes[4] << 8)};
    memcpy(settings.thresholds, bytes + 5, KWS_KEYWORDS);
    const bool microphone = bytes[0] == 1;
    /* Settings first: what is refused leaves the stream before it as it was. */
    if (bytes[0] > 1 || !begin_stream(microphone ? SOURCE_MICROPHONE : SOURCE_LINK, &settings)) {
        refuse(request, KWS_ERROR_PAYLOAD);
        return;
    }
    if (!kws_port_microphone(microphone) && microphone) {
        begin_default_stream(SOURCE_NONE);
        refuse(request, KWS_ERROR_MICROPHONE);
        return;
    }
    begin_reply(request);
    end_reply();
}

static void answer_stop(const struct kws_frame *request)
{
    begin_reply(request);
    put_number(device.pipeline.frames, 4);
    put_number(device.pipeline.inferences, 4);
    put_number(device.detections, 4);
    put_number(device.lost, 4);
    end_reply();
    kws_port_microphone(false);
    begin_default_stream(SOURCE_NONE);
}

static const struct {
    void (*answer)(const struct kws_frame *request);
    uint16_t least, most, step; /* sizes of the payload */
} requests[] = {
    [KWS_INFO] = {answer_info, 0, 0, 1},
    [KWS_HEAR] = {answer_hear, 0, KWS_PAYLOAD_SIZE, sizeof(int16_t)},
    [KWS_FEATURES] = {answer_features, 0, 0, 1},
    [KWS_INFER] = {answer_infer, 0, KWS_IMAGE_SIZE, KWS_IMAGE_SIZE},
    [KWS_PROFILE] = {answer_profile, KWS_HOP * sizeof(int16_t), KWS_HOP * sizeof(int16_t), 1},
    [KWS_STREAM] = {answer_stream, 5 + KWS_KEYWORDS, 5 + KWS_KEYWORDS, 1},
    [KWS_STOP] = {answer_stop, 0, 0, 1},
};

static void answer(const struct kws_frame *request)
{
    const size_t kind = request->kind;
    if (request->version != KWS_PROTOCOL_VERSION)
        refuse(request, KWS_ERROR_VERSION);
    else if (kind >= sizeof requests / sizeof *requests || !requests[kind].answer)
        refuse(request, KWS_ERROR_KIND);
    else if (request->size < requests[kind].least || request->size > requests[kind].most ||
             request->size % requests[kind].step)
        refuse(request, KWS_ERROR_PAYLOAD);
    else
        requests[kind].answer(request);
}

/* The interface. */

void kws_device_start(void)
{
    begin_default_stream(kws_port_microphone(true) ? SOURCE_MICROPHONE : SOURCE_NONE);
}

void kws_device_receive(const uint8_t *bytes, size_t n)
{
    struct kws_frame request;
    for (size_t i = 0; i < n; ++i)
        if (kws_frame_take(&device.reader, bytes[i], &request))
            answer(&request);
}

void kws_device_listen(const int16_t *samples, size_t n)
{
    while (device.source == SOURCE_MICROPHONE && n > 0) {
        const size_t piece = n < KWS_HOP ? n : KWS_HOP;
        hear(samples, piece);
        samples += piece;
        n -= piece;
    }
}

void kws_device_lost(size_t samples)
{
    if (device.source == SOURCE_MICROPHONE)
        device.lost += (uint32_t)samples;
}
