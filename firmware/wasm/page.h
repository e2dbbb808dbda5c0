#ifndef KWS_PAGE_H
#define KWS_PAGE_H

#include <stdint.h>

#include "pipeline.h"

/* What a web page calls of the firmware: the pipeline that every board runs, exported to
   JavaScript. Pointers are offsets into the module's memory; texts end with a byte of 0. */

#define KWS_EXPORT(name) __attribute__((export_name(#name)))

/* Facts of the network and the front end. */
KWS_EXPORT(sha256) const char *kws_page_sha256(void);
KWS_EXPORT(label) const char *kws_page_label(int32_t label);
KWS_EXPORT(labels) int32_t kws_page_labels(void);
KWS_EXPORT(hop) int32_t kws_page_hop(void);
KWS_EXPORT(frames) int32_t kws_page_frames(void);
KWS_EXPORT(bands) int32_t kws_page_bands(void);

/* Where the page writes the next samples, int16, at most a hop. */
KWS_EXPORT(samples) int16_t *kws_page_samples(void);

/* Where the page writes the thresholds of the keywords, in 1/256, before it begins a stream. */
KWS_EXPORT(thresholds) uint8_t *kws_page_thresholds(void);

/* Begins a stream: nothing heard yet. Returns whether the settings are within their limits. */
KWS_EXPORT(begin) bool kws_page_begin(uint32_t hops, uint32_t inferences, uint32_t refractory_ms);

/* Takes the first n of the samples. Returns the detected label or KWS_NO_DETECTION. */
KWS_EXPORT(hear) int32_t kws_page_hear(uint32_t n);

/* Of the stream: frames and inferences so far, and when the last detection was, in ms of sound. */
KWS_EXPORT(heard) uint32_t kws_page_heard(void);
KWS_EXPORT(inferences) uint32_t kws_page_inferences(void);
KWS_EXPORT(detected_ms) uint32_t kws_page_detected_ms(void);

/* The newest frame, uint8, and the image of the last frames, oldest first. */
KWS_EXPORT(row) const uint8_t *kws_page_row(void);
KWS_EXPORT(image) const uint8_t *kws_page_image(void);

/* Runs the network on that image, whatever the stream is at. Returns its scores, int8. */
KWS_EXPORT(classify) const int8_t *kws_page_classify(void);

/* The scores of the last inference, int8, and a label's sum over the averaged inferences. */
KWS_EXPORT(scores) const int8_t *kws_page_scores(void);
KWS_EXPORT(sum) int32_t kws_page_sum(int32_t label);

/* Runs a stage of enum kws_page_stage many times, for a clock that is too coarse for one. The
   stream is left as it is, but for the scores. */
enum kws_page_stage { KWS_PAGE_FEATURES, KWS_PAGE_IMAGE, KWS_PAGE_NETWORK, KWS_PAGE_POSTPROCESS };
KWS_EXPORT(repeat) void kws_page_repeat(uint32_t stage, uint32_t times);

#endif
